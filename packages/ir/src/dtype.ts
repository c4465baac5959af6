/** Element types of the graph. `bool` is stored as one byte, 0 or 1; `f16` and `bf16` as raw 16-bit words. */
export const DTYPES = ["f32", "f16", "bf16", "i32", "u32", "i8", "u8", "bool"] as const;
export type DType = (typeof DTYPES)[number];

export type TypedArray = Float32Array | Uint16Array | Int32Array | Uint32Array | Int8Array | Uint8Array;

interface Storage {
  readonly bytes: number;
  readonly array: new (buffer: ArrayBufferLike, byteOffset?: number, length?: number) => TypedArray;
}

const STORAGE: Record<DType, Storage> = {
  f32: { bytes: 4, array: Float32Array },
  f16: { bytes: 2, array: Uint16Array },
  bf16: { bytes: 2, array: Uint16Array },
  i32: { bytes: 4, array: Int32Array },
  u32: { bytes: 4, array: Uint32Array },
  i8: { bytes: 1, array: Int8Array },
  u8: { bytes: 1, array: Uint8Array },
  bool: { bytes: 1, array: Uint8Array },
};

export const isDType = (name: string): name is DType => Object.hasOwn(STORAGE, name);

export const bytesPerElement = (dtype: DType): number => STORAGE[dtype].bytes;

export const isFloat = (dtype: DType): boolean => dtype === "f32" || dtype === "f16" || dtype === "bf16";

export function allocate(dtype: DType, length: number): TypedArray {
  const { array, bytes } = STORAGE[dtype];
  return new array(new ArrayBuffer(length * bytes));
}

/** A typed view of `length` elements. The offset must be a multiple of the element size. */
export function view(dtype: DType, buffer: ArrayBufferLike, byteOffset: number, length: number): TypedArray {
  return new STORAGE[dtype].array(buffer, byteOffset, length);
}

const scratch = new DataView(new ArrayBuffer(4));

/** A number -> bf16, rounded once to nearest even, though it may have more digits than an f32; NaN stays NaN. */
export function toBf16(value: number): number {
  scratch.setFloat32(0, value);
  const bits = scratch.getUint32(0);
  if (Number.isNaN(value)) return 0x7fc0;
  // Halfway as an f32, the number itself may lie to one side, which decides.
  const rest = (bits & 0xffff) === 0x8000 ? Math.abs(value) - Math.abs(scratch.getFloat32(0)) : 0;
  if (rest !== 0) return (bits >>> 16) + (rest > 0 ? 1 : 0);
  return ((bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16) & 0xffff;
}

export function fromBf16(bits: number): number {
  scratch.setUint32(0, bits << 16);
  return scratch.getFloat32(0);
}

/** f32 -> f16 bits, round to nearest even, overflow to infinity (IEEE 754 binary16). */
export function toF16(value: number): number {
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const magnitude = Math.abs(value);
  if (Number.isNaN(value)) return 0x7e00;
  // 65520 is halfway between the largest finite value, 65504, and the next step, which rounds to infinity.
  if (magnitude >= 65520) return sign | 0x7c00;
  if (magnitude < 2 ** -14) return sign | roundHalfEven(magnitude * 2 ** 24);
  const exponent = Math.floor(Math.log2(magnitude));
  const e =
    magnitude < 2 ** exponent ? exponent - 1 : magnitude >= 2 ** (exponent + 1) ? exponent + 1 : exponent;
  // A mantissa that rounds up to 1024 carries into the exponent, which the addition does by itself.
  return sign | (((e + 15) << 10) + roundHalfEven((magnitude / 2 ** e - 1) * 1024));
}

export function fromF16(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >>> 10) & 0x1f;
  const mantissa = bits & 0x3ff;
  if (exponent === 0) return sign * mantissa * 2 ** -24;
  if (exponent === 31) return mantissa ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (1 + mantissa / 1024) * 2 ** (exponent - 15);
}

function roundHalfEven(x: number): number {
  const floor = Math.floor(x);
  const rest = x - floor;
  return rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor;
}
