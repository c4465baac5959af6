/** Reductions over one axis. Sums run in f64 and round once. */
import { FusewireError } from "../errors.ts";
import type { Node, OpName } from "../node.ts";
import { defineOp, emit, type OpDef } from "../op.ts";
import { normalizeAxis, type Shape, type TensorType } from "../type.ts";
import { emptyValue, type Value } from "../value.ts";

interface ReduceAttrs {
  readonly axis: number;
}

declare module "../node.ts" {
  interface OpAttrs {
    reduce_sum: ReduceAttrs;
    reduce_max: ReduceAttrs;
    argmax: ReduceAttrs;
    cumsum: ReduceAttrs;
  }
}

/** Splits a shape at an axis: element (o, k, i) of [outer, n, inner] is at (o * n + k) * inner + i. */
export function splitAt(shape: Shape, axis: number): { outer: number; n: number; inner: number } {
  const product = (part: Shape) => part.reduce((p, d) => p * d, 1);
  return { outer: product(shape.slice(0, axis)), n: shape[axis]!, inner: product(shape.slice(axis + 1)) };
}

/** Calls `line(start, stride, n, index)` for each line of elements along an axis. */
export function eachLine(
  shape: Shape,
  axis: number,
  line: (start: number, stride: number, n: number, index: number) => void,
): void {
  const { outer, n, inner } = splitAt(shape, axis);
  for (let o = 0; o < outer; o++)
    for (let i = 0; i < inner; i++) line(o * n * inner + i, inner, n, o * inner + i);
}

type Fold = (data: Value["data"], start: number, stride: number, n: number) => number;

function reduction<K extends "reduce_sum" | "reduce_max" | "argmax">(name: K & OpName, fold: Fold): OpDef<K> {
  return defineOp<K>({
    name,
    arity: 1,
    attrs: { axis: "int" } as OpDef<K>["attrs"],
    infer: ([x], { axis }): TensorType => {
      if (x!.dtype !== "f32" && x!.dtype !== "i32") throw new FusewireError("takes f32 or i32");
      if (x!.shape[axis] === undefined) throw new FusewireError(`has no axis ${axis}`);
      return {
        dtype: name === "argmax" ? "i32" : x!.dtype,
        shape: x!.shape.map((d, k) => (k === axis ? 1 : d)),
      };
    },
    evaluate: ([x], { axis }, type) => {
      const out = emptyValue(type);
      eachLine(x!.type.shape, axis, (start, stride, n, index) => {
        out.data[index] = fold(x!.data, start, stride, n);
      });
      return out;
    },
  });
}

export const reduceSumOp = reduction("reduce_sum", (data, start, stride, n) => {
  let sum = 0;
  for (let k = 0; k < n; k++) sum += data[start + k * stride]!;
  return sum;
});
export const reduceMaxOp = reduction("reduce_max", (data, start, stride, n) => {
  let best = data[start]!;
  for (let k = 1; k < n; k++) best = Math.max(best, data[start + k * stride]!);
  return best;
});
/** Ties go to the lowest index; NaN never wins. */
export const argmaxOp = reduction("argmax", (data, start, stride, n) => {
  let best = 0;
  let max = Number.NEGATIVE_INFINITY;
  for (let k = 0; k < n; k++) {
    const x = data[start + k * stride]!;
    if (x > max) {
      max = x;
      best = k;
    }
  }
  return best;
});

export const cumsumOp = defineOp<"cumsum">({
  name: "cumsum",
  arity: 1,
  attrs: { axis: "int" },
  infer: ([x], { axis }) => {
    if (x!.dtype !== "f32" && x!.dtype !== "i32") throw new FusewireError("takes f32 or i32");
    if (x!.shape[axis] === undefined) throw new FusewireError(`has no axis ${axis}`);
    return x!;
  },
  evaluate: ([x], { axis }, type) => {
    const out = emptyValue(type);
    eachLine(type.shape, axis, (start, stride, n) => {
      let sum = 0;
      for (let k = 0; k < n; k++) {
        sum += x!.data[start + k * stride]!;
        out.data[start + k * stride] = sum;
      }
    });
    return out;
  },
});

const along =
  <K extends "reduce_sum" | "reduce_max" | "argmax" | "cumsum">(def: OpDef<K>) =>
  (x: Node, axis = -1): Node =>
    emit(def, [x], { axis: normalizeAxis(axis, x.type.shape.length) });

/** Sum over an axis, which stays with size 1. */
export const reduceSum = along(reduceSumOp);
/** Largest element along an axis, which stays with size 1. */
export const reduceMax = along(reduceMaxOp);
/** Index (i32) of the first largest element along an axis, which stays with size 1. */
export const argmax = along(argmaxOp);
/** Running sum along an axis, the element itself included. */
export const cumsum = along(cumsumOp);
