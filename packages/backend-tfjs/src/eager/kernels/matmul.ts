import { broadcastShapes, sameShape, sizeOf } from "@fusewire/ir";
import * as tf from "@tensorflow/tfjs-core";
import type { Kernel } from "../kernel.ts";
import { cut, onWasm, spread } from "./shapes.ts";

export const matmulKernel: Kernel<"matmul"> = {
  op: "matmul",
  run: (x, { transposeB }) => product(x.tensor(0), x.tensor(1), x.transposed(1) ? !transposeB : transposeB),
};

/**
 * On the wasm backend only a product of two matrices, the second not transposed, runs in XNNPACK. From this many
 * rows a matrix, cutting a stack into matrices and transposing costs less than the slow way: measured for
 * 3 x [m, 64] · [64, 512], 1.0 against 1.6 ms at m = 9, but 6.5 against 1.2 ms at m = 72.
 */
const XNNPACK_ROWS = 32;

/** a[…, m, k] · b[…, k, n], or b[…, n, k] when transposed; leading axes broadcast. */
export function product(a: tf.Tensor, b: tf.Tensor, transposeB: boolean): tf.Tensor {
  const [aLead, bLead] = [a.shape.slice(0, -2), b.shape.slice(0, -2)];
  const [m, k] = a.shape.slice(-2) as [number, number];
  const [p, q] = b.shape.slice(-2) as [number, number];
  const lead = broadcastShapes(aLead, bLead)!;
  const shape = [...lead, m, transposeB ? p : q];
  const rows = sizeOf(aLead) * m;
  if (sizeOf(bLead) === 1)
    return tf.reshape(matrices(tf.reshape(a, [rows, k]), tf.reshape(b, [p, q]), transposeB), shape);
  // tfjs pairs the matrices of two stacks wrongly when each of them broadcasts.
  const [x, y] =
    sameShape(aLead, bLead) || sizeOf(aLead) === 1
      ? [a, b]
      : [spread(a, [...lead, m, k]), spread(b, [...lead, p, q])];
  const stackA = tf.reshape(x, [-1, m, k]);
  const stackB = tf.reshape(y, [-1, p, q]);
  if (!onWasm() || m < XNNPACK_ROWS) return tf.reshape(tf.matMul(stackA, stackB, false, transposeB), shape);
  const parts = Array.from({ length: sizeOf(lead) }, (_, s) =>
    matrices(
      tf.reshape(cut(stackA, 0, stackA.shape[0] === 1 ? 0 : s, 1), [m, k]),
      tf.reshape(cut(stackB, 0, s, 1), [p, q]),
      transposeB,
    ),
  );
  return tf.reshape(tf.concat(parts, 0), shape);
}

function matrices(a: tf.Tensor, b: tf.Tensor, transposeB: boolean): tf.Tensor {
  const turn = transposeB && onWasm() && a.shape[0]! >= XNNPACK_ROWS;
  return turn ? tf.matMul(a, tf.transpose(b)) : tf.matMul(a, b, false, transposeB);
}
