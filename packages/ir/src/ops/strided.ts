/** Copies between layouts: what movement and broadcasting have in common. */
import { allocate, type DType, type TypedArray } from "../dtype.ts";
import { type Shape, sizeOf, stridesOf } from "../type.ts";

/** Row-major copy of the elements at `offset + sum(index[k] * strides[k])`; a stride of 0 repeats. */
export function copyStrided(
  source: TypedArray,
  dtype: DType,
  shape: Shape,
  strides: readonly number[],
  offset = 0,
): TypedArray {
  const out = allocate(dtype, sizeOf(shape));
  const last = shape.length - 1;
  const run = shape[last] ?? 1;
  const step = strides[last] ?? 1;
  const copyAxis = (axis: number, from: number, to: number): number => {
    if (axis < last) {
      let next = to;
      for (let i = 0; i < shape[axis]!; i++) next = copyAxis(axis + 1, from + i * strides[axis]!, next);
      return next;
    }
    if (step === 0) out.fill(source[from]!, to, to + run);
    else for (let i = 0; i < run; i++) out[to + i] = source[from + i * step]!;
    return to + run;
  };
  copyAxis(0, offset, 0);
  return out;
}

/** The elements that `data` of shape `from` has under the broadcast shape `to`; the same array when they agree. */
export function stretch(data: TypedArray, dtype: DType, from: Shape, to: Shape): TypedArray {
  const size = sizeOf(to);
  if (data.length === size) return data;
  if (data.length === 1) return allocate(dtype, size).fill(data[0]!);
  const lead = to.length - from.length;
  const own = stridesOf(from);
  const strides = to.map((_, k) => (k < lead || from[k - lead] === 1 ? 0 : own[k - lead]!));
  return copyStrided(data, dtype, to, strides);
}
