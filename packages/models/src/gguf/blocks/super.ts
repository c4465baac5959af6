/** K-quants: blocks of 256 numbers, whose groups of 16 or 32 have scales of few bits under one scale of 16. */
import { half } from "./half.ts";

/** (code · scale - least), each step rounded to f32. */
function writeGroup(
  out: Float32Array,
  at: number,
  count: number,
  scale: number,
  least: number,
  code: (k: number) => number,
): void {
  for (let k = 0; k < count; k++) out[at + k] = Math.fround(scale * code(k)) - least;
}

export function q2K(bytes: DataView, out: Float32Array, at: number): void {
  const [scale, least] = [half(bytes, 80), half(bytes, 82)];
  for (let group = 0; group < 16; group++) {
    const packed = bytes.getUint8(group);
    // Groups of one half of the block share 32 bytes: a pair of groups has two bits of each.
    const from = 16 + 32 * (group >> 3) + 16 * (group & 1);
    const shift = 2 * ((group >> 1) & 3);
    writeGroup(
      ...([
        out,
        at + 16 * group,
        16,
        Math.fround(scale * (packed & 15)),
        Math.fround(least * (packed >> 4)),
      ] as const),
      (k) => (bytes.getUint8(from + k) >> shift) & 3,
    );
  }
}

export function q3K(bytes: DataView, out: Float32Array, at: number): void {
  const whole = half(bytes, 108);
  for (let group = 0; group < 16; group++) {
    const low = (bytes.getUint8(96 + (group & 7)) >> (group < 8 ? 0 : 4)) & 15;
    const high = (bytes.getUint8(104 + (group & 3)) >> (2 * (group >> 2))) & 3;
    const scale = Math.fround(whole * ((low | (high << 4)) - 32));
    const [pair, side] = [group >> 1, 16 * (group & 1)];
    const from = 32 + 32 * (group >> 3) + side;
    // The third bit of each number, of which a set one means that nothing is taken off.
    writeGroup(out, at + 16 * group, 16, scale, 0, (k) => {
      const code = (bytes.getUint8(from + k) >> (2 * (pair & 3))) & 3;
      return (bytes.getUint8(side + k) >> pair) & 1 ? code : code - 4;
    });
  }
}

/** The scale and the least number of a group, 6 bits each, from 12 bytes. */
function sixBits(bytes: DataView, from: number, group: number): readonly [scale: number, least: number] {
  const byte = (k: number) => bytes.getUint8(from + k);
  if (group < 4) return [byte(group) & 63, byte(group + 4) & 63];
  return [
    (byte(group + 4) & 15) | ((byte(group - 4) >> 6) << 4),
    (byte(group + 4) >> 4) | ((byte(group) >> 6) << 4),
  ];
}

/** Groups of 32; two of them share 32 bytes of nibbles. `high` gives what is added to a nibble. */
function nibbleGroups(
  bytes: DataView,
  out: Float32Array,
  at: number,
  codes: number,
  high: (group: number, k: number) => number,
): void {
  const [scale, least] = [half(bytes, 0), half(bytes, 2)];
  for (let group = 0; group < 8; group++) {
    const [factor, minus] = sixBits(bytes, 4, group);
    const from = codes + 32 * (group >> 1);
    const shift = 4 * (group & 1);
    writeGroup(
      ...([out, at + 32 * group, 32, Math.fround(scale * factor), Math.fround(least * minus)] as const),
      (k) => ((bytes.getUint8(from + k) >> shift) & 15) + high(group, k),
    );
  }
}

export const q4K = (bytes: DataView, out: Float32Array, at: number): void =>
  nibbleGroups(bytes, out, at, 16, () => 0);

export const q5K = (bytes: DataView, out: Float32Array, at: number): void =>
  nibbleGroups(bytes, out, at, 48, (group, k) => ((bytes.getUint8(16 + k) >> group) & 1) << 4);

export function q6K(bytes: DataView, out: Float32Array, at: number): void {
  const whole = half(bytes, 208);
  for (let group = 0; group < 16; group++) {
    const scale = Math.fround(whole * bytes.getInt8(192 + group));
    // Halves of 128 numbers are four runs of 32: the low nibbles of 64 bytes, then the high ones.
    const [part, run, side] = [group >> 3, (group >> 1) & 3, 16 * (group & 1)];
    const low = 64 * part + 32 * (run & 1) + side;
    const high = 128 + 32 * part + side;
    writeGroup(out, at + 16 * group, 16, scale, 0, (k) => {
      const four = (bytes.getUint8(low + k) >> (run < 2 ? 0 : 4)) & 15;
      return (four | (((bytes.getUint8(high + k) >> (2 * run)) & 3) << 4)) - 32;
    });
  }
}
