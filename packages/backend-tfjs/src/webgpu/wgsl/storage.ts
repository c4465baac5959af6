/**
 * How elements lie in memory: as on the host, so that bytes are uploaded and read back as they are. Storage buffers
 * hold 32-bit words; f16 and bf16 share one by twos, i8, u8 and bool by fours, the first element in the lowest bits.
 */
import { bytesOf, bytesPerElement, type DType, sizeOf, type TensorType } from "@fusewire/ir";

/** A tensor as it lies in memory. */
export interface StoredType extends TensorType {
  /**
   * Codes of 4 bits, eight to a word: byte k holds the elements k, in its low half, and k + 4. So a mask cuts out four
   * neighbours as the high halves of bytes, which are their values times 16.
   */
  readonly packed?: "nibbles";
  /** These are rows of a matrix that no binding holds whole: those from `first` on, for so many columns `of` a product. */
  readonly part?: { readonly first: number; readonly of: number };
  /** Gate rows lie beside the up rows of the same columns, so many at a time. */
  readonly halves?: number;
}

/** Bytes of a tensor as it lies in memory. */
export const storedBytes = (type: StoredType): number =>
  type.packed ? Math.ceil(sizeOf(type.shape) / 2) : bytesOf(type);

/** The type an element has in shader code: floats compute in f32 whatever they are stored as. */
export const valueType = (dtype: DType): "f32" | "i32" | "u32" | "bool" => {
  switch (dtype) {
    case "f32":
    case "f16":
    case "bf16":
      return "f32";
    case "i32":
    case "i8":
      return "i32";
    case "u32":
    case "u8":
      return "u32";
    case "bool":
      return "bool";
  }
};

/** Elements in one word. */
export const perWord = (dtype: DType): number => 4 / bytesPerElement(dtype);

/** The type of a word in the buffer of a tensor. */
export const wordType = (dtype: DType): "f32" | "i32" | "u32" =>
  dtype === "f32" ? "f32" : dtype === "i32" ? "i32" : "u32";

/** An expression for element `i` of the buffer called `name`; `i` is used more than once. */
export function loadExpression(dtype: DType, name: string, i: string): string {
  switch (dtype) {
    case "f32":
    case "i32":
    case "u32":
      return `${name}[${i}]`;
    case "bf16":
      return `bitcast<f32>((${name}[(${i}) >> 1u] >> (((${i}) & 1u) << 4u)) << 16u)`;
    case "f16":
      return `unpack2x16float(${name}[(${i}) >> 1u])[(${i}) & 1u]`;
    case "u8":
      return `extractBits(${name}[(${i}) >> 2u], ((${i}) & 3u) << 3u, 8u)`;
    case "i8":
      return `extractBits(i32(${name}[(${i}) >> 2u]), ((${i}) & 3u) << 3u, 8u)`;
    case "bool":
      return `(extractBits(${name}[(${i}) >> 2u], ((${i}) & 3u) << 3u, 8u) != 0u)`;
  }
}

/** An expression for element `i` of packed nibbles. */
export const nibbleExpression = (name: string, i: string): string =>
  `extractBits(i32(${name}[(${i}) >> 3u]), (((${i}) & 3u) << 3u) | ((${i}) & 4u), 4u)`;

/** An expression for the bits of `value`, in the low end of a u32; only for elements smaller than a word. */
export function bitsExpression(dtype: DType, value: string): string {
  switch (dtype) {
    case "bf16":
      return `bf16_bits(${value})`;
    case "f16":
      return `f16_bits(${value})`;
    case "u8":
      return `(${value} & 255u)`;
    case "i8":
      return `(bitcast<u32>(${value}) & 255u)`;
    case "bool":
      return `select(0u, 1u, ${value})`;
    default:
      throw new Error(`${dtype} fills a word`);
  }
}

/** Rounding to the 16-bit floats, to nearest even, in integer arithmetic: WGSL's own packing leaves overflow open. */
export const ROUNDING: Readonly<Partial<Record<DType, string>>> = {
  bf16: `fn bf16_bits(x: f32) -> u32 {
  let b = bitcast<u32>(x);
  if ((b & 0x7fffffffu) > 0x7f800000u) { return 0x7fc0u; }
  return (b + 0x7fffu + ((b >> 16u) & 1u)) >> 16u;
}`,
  f16: `fn f16_bits(x: f32) -> u32 {
  let b = bitcast<u32>(x);
  let sign = (b >> 16u) & 0x8000u;
  let m = b & 0x7fffffffu;
  if (m > 0x7f800000u) { return 0x7e00u; }
  // 65520 lies halfway between the largest finite value and the next step, which rounds to infinity.
  if (m >= 0x477ff000u) { return sign | 0x7c00u; }
  if (m >= 0x38800000u) { return sign | ((m - 0x38000000u + 0xfffu + ((m >> 13u) & 1u)) >> 13u); }
  if (m < 0x33000000u) { return sign; }
  // Below 2^-14 the unit is 2^-24: the mantissa with its hidden bit, shifted by what the exponent lacks.
  let shift = 126u - (m >> 23u);
  let mantissa = (m & 0x7fffffu) | 0x800000u;
  let kept = mantissa >> shift;
  let rest = mantissa & ((1u << shift) - 1u);
  let half = 1u << (shift - 1u);
  return sign | (kept + select(0u, 1u, rest > half || (rest == half && (kept & 1u) == 1u)));
}`,
};
