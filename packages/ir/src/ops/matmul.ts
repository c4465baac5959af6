import { FusewireError } from "../errors.ts";
import type { Node } from "../node.ts";
import { defineOp, emit } from "../op.ts";
import { broadcastShapes, type Shape, sizeOf } from "../type.ts";
import { emptyValue, floats } from "../value.ts";
import { stretch } from "./strided.ts";

declare module "../node.ts" {
  interface OpAttrs {
    matmul: { readonly transposeB: boolean };
  }
}

export const matmulOp = defineOp<"matmul">({
  name: "matmul",
  arity: 2,
  attrs: { transposeB: "bool" },
  infer: ([a, b], { transposeB }) => {
    if (a!.dtype !== "f32" || b!.dtype !== "f32")
      throw new FusewireError("takes f32; cast stored weights first");
    const [m, k] = a!.shape.slice(-2);
    const [x, y] = b!.shape.slice(-2);
    const batch = broadcastShapes(a!.shape.slice(0, -2), b!.shape.slice(0, -2));
    if (m === undefined || k === undefined || x === undefined || y === undefined || !batch)
      throw new FusewireError("takes matrices, or stacks of them whose leading axes broadcast");
    const [inner, n] = transposeB ? [y, x] : [x, y];
    if (inner !== k) throw new FusewireError(`the inner sizes ${k} and ${inner} differ`);
    return { dtype: "f32", shape: [...batch, m, n] };
  },
  evaluate: ([a, b], { transposeB }, type) => {
    const out = emptyValue(type);
    const [m, k] = a!.type.shape.slice(-2) as [number, number];
    const [n] = type.shape.slice(-1) as [number];
    const batch = type.shape.slice(0, -2);
    const aStacks = stackOrder(a!.type.shape.slice(0, -2), batch);
    const bStacks = stackOrder(b!.type.shape.slice(0, -2), batch);
    const multiply = transposeB ? multiplyTransposed : multiplyPlain;
    for (let s = 0; s < aStacks.length; s++) {
      const x = floats(a!).subarray(aStacks[s]! * m * k, (aStacks[s]! + 1) * m * k);
      const y = floats(b!).subarray(bStacks[s]! * k * n, (bStacks[s]! + 1) * k * n);
      multiply(x, y, floats(out).subarray(s * m * n, (s + 1) * m * n), m, k, n);
    }
    return out;
  },
});

/** Which matrix of an operand with leading axes `own` each matrix of the result reads. */
const stackOrder = (own: Shape, batch: Shape) =>
  stretch(
    Int32Array.from({ length: sizeOf(own) }, (_, s) => s),
    "i32",
    own,
    batch,
  );

type Multiply = (
  x: Float32Array,
  y: Float32Array,
  out: Float32Array,
  m: number,
  k: number,
  n: number,
) => void;

const multiplyTransposed: Multiply = (x, y, out, m, k, n) => {
  for (let i = 0; i < m; i++)
    for (let j = 0; j < n; j++) {
      const xFrom = i * k;
      const yFrom = j * k;
      let sum = 0;
      for (let q = 0; q < k; q++) sum += x[xFrom + q]! * y[yFrom + q]!;
      out[i * n + j] = sum;
    }
};

/** Walks y along its rows, as it lies in memory; each sum still runs over q upwards in f64. */
const multiplyPlain: Multiply = (x, y, out, m, k, n) => {
  const sums = new Float64Array(n);
  for (let i = 0; i < m; i++) {
    sums.fill(0);
    for (let q = 0; q < k; q++) {
      const scale = x[i * k + q]!;
      const yFrom = q * n;
      for (let j = 0; j < n; j++) sums[j]! += scale * y[yFrom + j]!;
    }
    out.set(sums, i * n);
  }
};

/**
 * a[…, m, k] · b[…, k, n] = […, m, n]; with `transposeB`, b is […, n, k] as linear layers store their weights.
 * Leading axes broadcast. Products are summed in f64 by the interpreter, in f32 by engines.
 */
export const matmul = (a: Node, b: Node, { transposeB = false } = {}): Node =>
  emit(matmulOp, [a, b], { transposeB });
