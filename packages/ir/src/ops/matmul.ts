import { FusewireError } from "../errors.ts";
import type { Node } from "../node.ts";
import { defineOp, emit } from "../op.ts";
import { broadcastShapes, type Shape } from "../type.ts";
import { emptyValue } from "../value.ts";
import { broadcastIndex } from "./elementwise.ts";

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
    const n = type.shape[type.shape.length - 1]!;
    const batch: Shape = type.shape.slice(0, -2);
    const aAt = broadcastIndex(a!.type.shape.slice(0, -2), batch);
    const bAt = broadcastIndex(b!.type.shape.slice(0, -2), batch);
    const [kStride, nStride] = transposeB ? [1, k] : [n, 1];
    const x = a!.data;
    const y = b!.data;
    const stacks = batch.reduce((p, d) => p * d, 1);
    for (let s = 0; s < stacks; s++)
      for (let i = 0; i < m; i++)
        for (let j = 0; j < n; j++) {
          const xFrom = aAt(s) * m * k + i * k;
          const yFrom = bAt(s) * k * n + j * nStride;
          let sum = 0;
          for (let q = 0; q < k; q++) sum += x[xFrom + q]! * y[yFrom + q * kStride]!;
          out.data[(s * m + i) * n + j] = sum;
        }
    return out;
  },
});

/**
 * a[…, m, k] · b[…, k, n] = […, m, n]; with `transposeB`, b is […, n, k] as linear layers store their weights.
 * Leading axes broadcast. Products are summed in f64 by the interpreter, in f32 by engines.
 */
export const matmul = (a: Node, b: Node, { transposeB = false } = {}): Node =>
  emit(matmulOp, [a, b], { transposeB });
