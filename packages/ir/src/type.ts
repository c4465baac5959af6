import { bytesPerElement, type DType, isDType } from "./dtype.ts";
import { FusewireError } from "./errors.ts";

export type Shape = readonly number[];

/** The type of a tensor: element type and static shape. */
export interface TensorType {
  readonly dtype: DType;
  readonly shape: Shape;
}

export const tensorType = (dtype: DType, shape: Shape): TensorType => ({ dtype, shape });

export const sizeOf = (shape: Shape): number => shape.reduce((product, n) => product * n, 1);

export const bytesOf = (type: TensorType): number => sizeOf(type.shape) * bytesPerElement(type.dtype);

export const sameShape = (a: Shape, b: Shape): boolean =>
  a.length === b.length && a.every((n, i) => n === b[i]);

export const sameType = (a: TensorType, b: TensorType): boolean =>
  a.dtype === b.dtype && sameShape(a.shape, b.shape);

/** `f32[2,64]`; a scalar is `f32[]`. */
export const formatType = (type: TensorType): string => `${type.dtype}[${type.shape.join(",")}]`;

export function parseType(text: string): TensorType {
  const match = /^([a-z0-9]+)\[(\d+(?:,\d+)*)?\]$/.exec(text);
  const dtype = match?.[1] ?? "";
  if (!match || !isDType(dtype)) throw new FusewireError(`'${text}' is not a tensor type such as f32[2,64]`);
  const shape = match[2] ? match[2].split(",").map(Number) : [];
  return { dtype, shape };
}

/** NumPy broadcasting; undefined when the shapes do not fit together. */
export function broadcastShapes(a: Shape, b: Shape): Shape | undefined {
  const rank = Math.max(a.length, b.length);
  const out: number[] = [];
  for (let i = 0; i < rank; i++) {
    const x = a[a.length - rank + i] ?? 1;
    const y = b[b.length - rank + i] ?? 1;
    if (x !== y && x !== 1 && y !== 1) return undefined;
    out.push(x === 1 ? y : x);
  }
  return out;
}

/** Row-major strides in elements. */
export function stridesOf(shape: Shape): number[] {
  const strides = new Array<number>(shape.length).fill(1);
  for (let i = shape.length - 2; i >= 0; i--) strides[i] = (strides[i + 1] ?? 1) * (shape[i + 1] ?? 1);
  return strides;
}

/** Turns a possibly negative axis into 0..rank-1. */
export function normalizeAxis(axis: number, rank: number): number {
  const normalized = axis < 0 ? axis + rank : axis;
  if (!Number.isInteger(axis) || normalized < 0 || normalized >= rank)
    throw new FusewireError(`axis ${axis} is outside a tensor of rank ${rank}`);
  return normalized;
}
