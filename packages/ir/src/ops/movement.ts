/** Ops that only move elements; they take every dtype. */
import { FusewireError } from "../errors.ts";
import type { Node } from "../node.ts";
import { defineOp, emit } from "../op.ts";
import { broadcastShapes, normalizeAxis, type Shape, sameShape, sizeOf, stridesOf } from "../type.ts";
import { emptyValue } from "../value.ts";
import { splitAt } from "./reduce.ts";
import { copyStrided, stretch } from "./strided.ts";

declare module "../node.ts" {
  interface OpAttrs {
    reshape: { readonly shape: readonly number[] };
    transpose: { readonly perm: readonly number[] };
    broadcast_to: { readonly shape: readonly number[] };
    slice: { readonly starts: readonly number[]; readonly sizes: readonly number[] };
    concat: { readonly axis: number };
  }
}

export const reshapeOp = defineOp<"reshape">({
  name: "reshape",
  arity: 1,
  attrs: { shape: "ints" },
  infer: ([x], { shape }) => {
    if (sizeOf(x!.shape) !== sizeOf(shape))
      throw new FusewireError(`[${shape}] has ${sizeOf(shape)} elements, the input ${sizeOf(x!.shape)}`);
    return { dtype: x!.dtype, shape };
  },
  evaluate: ([x], _attrs, type) => ({ type, data: x!.data }),
  view: true,
  free: true,
});

export const transposeOp = defineOp<"transpose">({
  name: "transpose",
  arity: 1,
  attrs: { perm: "ints" },
  infer: ([x], { perm }) => {
    const rank = x!.shape.length;
    if (perm.length !== rank || [...perm].sort((a, b) => a - b).some((p, i) => p !== i))
      throw new FusewireError(`[${perm}] is not an order of ${rank} axes`);
    return { dtype: x!.dtype, shape: perm.map((p) => x!.shape[p]!) };
  },
  evaluate: ([x], { perm }, type) => {
    const strides = stridesOf(x!.type.shape);
    const moved = perm.map((p) => strides[p]!);
    return { type, data: copyStrided(x!.data, type.dtype, type.shape, moved) };
  },
});

export const broadcastToOp = defineOp<"broadcast_to">({
  name: "broadcast_to",
  arity: 1,
  attrs: { shape: "ints" },
  infer: ([x], { shape }) => {
    const joined = broadcastShapes(x!.shape, shape);
    if (!joined || !sameShape(joined, shape))
      throw new FusewireError(`[${x!.shape}] does not broadcast to [${shape}]`);
    return { dtype: x!.dtype, shape };
  },
  evaluate: ([x], _attrs, type) => ({
    type,
    data: stretch(x!.data, type.dtype, x!.type.shape, type.shape),
  }),
});

export const sliceOp = defineOp<"slice">({
  name: "slice",
  arity: 1,
  attrs: { starts: "ints", sizes: "ints" },
  infer: ([x], { starts, sizes }) => {
    const fits =
      starts.length === x!.shape.length &&
      sizes.length === x!.shape.length &&
      x!.shape.every((d, k) => starts[k]! >= 0 && sizes[k]! > 0 && starts[k]! + sizes[k]! <= d);
    if (!fits) throw new FusewireError(`starts [${starts}] with sizes [${sizes}] lie outside [${x!.shape}]`);
    return { dtype: x!.dtype, shape: sizes };
  },
  evaluate: ([x], { starts }, type) => {
    const strides = stridesOf(x!.type.shape);
    const offset = starts.reduce((sum, start, k) => sum + start * strides[k]!, 0);
    return { type, data: copyStrided(x!.data, type.dtype, type.shape, strides, offset) };
  },
});

export const concatOp = defineOp<"concat">({
  name: "concat",
  arity: [1, 64],
  attrs: { axis: "int" },
  infer: (types, { axis }) => {
    const first = types[0]!;
    if (first.shape[axis] === undefined) throw new FusewireError(`has no axis ${axis}`);
    for (const type of types) {
      const alike =
        type.dtype === first.dtype &&
        type.shape.length === first.shape.length &&
        type.shape.every((d, k) => k === axis || d === first.shape[k]);
      if (!alike) throw new FusewireError(`inputs may differ only along axis ${axis}`);
    }
    const total = types.reduce((sum, type) => sum + type.shape[axis]!, 0);
    return { dtype: first.dtype, shape: first.shape.map((d, k) => (k === axis ? total : d)) };
  },
  evaluate: (inputs, { axis }, type) => {
    const out = emptyValue(type);
    const { outer, n, inner } = splitAt(type.shape, axis);
    let before = 0;
    for (const input of inputs) {
      const run = input.type.shape[axis]! * inner;
      for (let o = 0; o < outer; o++)
        out.data.set(input.data.subarray(o * run, (o + 1) * run), o * n * inner + before);
      before += run;
    }
    return out;
  },
});

/** The same elements under another shape; one size may be -1. */
export function reshape(x: Node, shape: Shape): Node {
  const known = shape.reduce((product, d) => (d === -1 ? product : product * d), 1);
  const full = shape.map((d) => (d === -1 ? Math.floor(sizeOf(x.type.shape) / known) : d));
  return sameShape(full, x.type.shape) ? x : emit(reshapeOp, [x], { shape: full });
}

/** Reorders axes: axis k of the result is axis perm[k] of x. */
export const transpose = (x: Node, perm: readonly number[]): Node =>
  perm.every((p, k) => p === k) && perm.length === x.type.shape.length ? x : emit(transposeOp, [x], { perm });

export const broadcastTo = (x: Node, shape: Shape): Node =>
  sameShape(shape, x.type.shape) ? x : emit(broadcastToOp, [x], { shape });

export const slice = (x: Node, starts: readonly number[], sizes: readonly number[]): Node =>
  sameShape(sizes, x.type.shape) && starts.every((start) => start === 0)
    ? x
    : emit(sliceOp, [x], { starts, sizes });

/** `size` elements from `start` along one axis. */
export function sliceAxis(x: Node, axis: number, start: number, size: number): Node {
  const at = normalizeAxis(axis, x.type.shape.length);
  return slice(
    x,
    x.type.shape.map((_, k) => (k === at ? start : 0)),
    x.type.shape.map((d, k) => (k === at ? size : d)),
  );
}

export function concat(inputs: readonly Node[], axis: number): Node {
  const first = inputs[0];
  if (!first) throw new Error("concat needs at least one tensor");
  return inputs.length === 1
    ? first
    : emit(concatOp, inputs, { axis: normalizeAxis(axis, first.type.shape.length) });
}
