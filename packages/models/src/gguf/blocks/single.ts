/** Blocks of 32 numbers with one scale. The low nibbles are the first 16 numbers, the high ones the rest. */
import { half } from "./half.ts";

/** code · scale + least (-0 changes no number), where `code` gives the one at a place. */
function write(
  out: Float32Array,
  at: number,
  scale: number,
  least: number,
  code: (k: number) => number,
): void {
  for (let k = 0; k < 32; k++) out[at + k] = Math.fround(scale * code(k)) + least;
}

const nibble = (bytes: DataView, from: number, k: number): number =>
  (bytes.getUint8(from + (k % 16)) >> (k < 16 ? 0 : 4)) & 15;

/** A nibble, and a fifth bit from 32 of them. */
const five = (bytes: DataView, high: number, k: number): number =>
  nibble(bytes, high + 4, k) | (((bytes.getUint32(high, true) >>> k) & 1) << 4);

export const q4_0 = (bytes: DataView, out: Float32Array, at: number): void =>
  write(out, at, half(bytes, 0), -0, (k) => nibble(bytes, 2, k) - 8);

export const q4_1 = (bytes: DataView, out: Float32Array, at: number): void =>
  write(out, at, half(bytes, 0), half(bytes, 2), (k) => nibble(bytes, 4, k));

export const q5_0 = (bytes: DataView, out: Float32Array, at: number): void =>
  write(out, at, half(bytes, 0), -0, (k) => five(bytes, 2, k) - 16);

export const q5_1 = (bytes: DataView, out: Float32Array, at: number): void =>
  write(out, at, half(bytes, 0), half(bytes, 2), (k) => five(bytes, 4, k));

export const q8_0 = (bytes: DataView, out: Float32Array, at: number): void =>
  write(out, at, half(bytes, 0), -0, (k) => bytes.getInt8(2 + k));
