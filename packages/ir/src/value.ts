import { allocate, type DType, fromBf16, fromF16, type TypedArray, toBf16, toF16 } from "./dtype.ts";
import { sizeOf, type TensorType } from "./type.ts";

/** A tensor in host memory, row-major. `f16` and `bf16` data are raw 16-bit words, `bool` is 0 or 1. */
export interface Value {
  readonly type: TensorType;
  readonly data: TypedArray;
}

export const emptyValue = (type: TensorType): Value => ({
  type,
  data: allocate(type.dtype, sizeOf(type.shape)),
});

/** A value from ordinary numbers, rounded to the dtype. */
export function toValue(type: TensorType, numbers: ArrayLike<number>): Value {
  const value = emptyValue(type);
  const write = writer(type.dtype);
  for (let i = 0; i < value.data.length; i++) value.data[i] = write(numbers[i] ?? 0);
  return value;
}

/** The elements of an f32 value. */
export function floats(value: Value): Float32Array {
  if (!(value.data instanceof Float32Array)) throw new Error(`expected f32, got ${value.type.dtype}`);
  return value.data;
}

/** The value's elements as ordinary numbers (f16 and bf16 widened). */
export function numbersOf(value: Value): number[] {
  const read = reader(value.type.dtype);
  return Array.from(value.data, read);
}

/** Stored word -> number. */
export function reader(dtype: DType): (word: number) => number {
  if (dtype === "f16") return fromF16;
  if (dtype === "bf16") return fromBf16;
  return (word) => word;
}

/** Number -> stored word: floats round to nearest even, integers truncate and saturate, NaN becomes 0. */
export function writer(dtype: DType): (x: number) => number {
  switch (dtype) {
    case "f32":
      return Math.fround;
    case "f16":
      return toF16;
    case "bf16":
      return toBf16;
    case "i32":
      return (x) => saturate(x, -(2 ** 31), 2 ** 31 - 1);
    case "u32":
      return (x) => saturate(x, 0, 2 ** 32 - 1);
    case "i8":
      return (x) => saturate(x, -128, 127);
    case "u8":
      return (x) => saturate(x, 0, 255);
    case "bool":
      return (x) => (x ? 1 : 0);
  }
}

const saturate = (x: number, min: number, max: number): number =>
  Number.isNaN(x) ? 0 : Math.min(max, Math.max(min, Math.trunc(x)));

const WORDS = 65536;

/** Converts between dtypes as the op `cast` does. */
export function castValue(value: Value, dtype: DType): Value {
  if (value.type.dtype === dtype) return value;
  const out = emptyValue({ dtype, shape: value.type.shape });
  const source = value.data;
  const target = out.data;
  if (value.type.dtype === "bf16" && dtype === "f32") {
    // The common case while loading: a bf16 word is the upper half of the f32.
    const words = new Uint32Array(target.buffer);
    for (let i = 0; i < source.length; i++) words[i] = source[i]! << 16;
    return out;
  }
  const read = reader(value.type.dtype);
  const write = writer(dtype);
  if (source instanceof Uint16Array && source.length > WORDS) {
    // Whole weights: each word of 16 bits is converted once.
    const table = allocate(dtype, WORDS);
    for (let word = 0; word < WORDS; word++) table[word] = write(read(word));
    for (let i = 0; i < source.length; i++) target[i] = table[source[i]!]!;
    return out;
  }
  for (let i = 0; i < source.length; i++) target[i] = write(read(source[i]!));
  return out;
}
