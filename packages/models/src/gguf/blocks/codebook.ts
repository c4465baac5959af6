/** Blocks whose nibbles pick from 16 values. */
import { half } from "./half.ts";

/** The values of IQ4_NL, which lie closer about 0. */
const NONLINEAR = [-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113] as const;
/** Those of e2m1. */
const E2M1 = [0, 0.5, 1, 1.5, 2, 3, 4, 6, 0, -0.5, -1, -1.5, -2, -3, -4, -6] as const;

function picked(
  bytes: DataView,
  from: number,
  out: Float32Array,
  at: number,
  scale: number,
  book: readonly number[],
): void {
  for (let k = 0; k < 16; k++) {
    const byte = bytes.getUint8(from + k);
    out[at + k] = scale * book[byte & 15]!;
    out[at + 16 + k] = scale * book[byte >> 4]!;
  }
}

export const iq4Nl = (bytes: DataView, out: Float32Array, at: number): void =>
  picked(bytes, 2, out, at, half(bytes, 0), NONLINEAR);

export function iq4Xs(bytes: DataView, out: Float32Array, at: number): void {
  const high = bytes.getUint16(2, true);
  for (let group = 0; group < 8; group++) {
    const low = (bytes.getUint8(4 + (group >> 1)) >> (4 * (group & 1))) & 15;
    const scale = Math.fround(half(bytes, 0) * ((low | (((high >> (2 * group)) & 3) << 4)) - 32));
    picked(bytes, 8 + 16 * group, out, at + 32 * group, scale, NONLINEAR);
  }
}

export const mxfp4 = (bytes: DataView, out: Float32Array, at: number): void =>
  picked(bytes, 1, out, at, 2 ** (bytes.getUint8(0) - 127), E2M1);
