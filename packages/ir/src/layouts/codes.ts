import { FusewireError } from "../errors.ts";
import { type Layout, rowBytes } from "./layout.ts";

/** Packed codes of rows, one after another. `bytes` has `rowBytes` for each row of `width` codes. */
export function unpackCodes(layout: Layout, bytes: ArrayLike<number>, width: number): Int16Array {
  const { bits, packing, range } = layout;
  const stride = rowBytes(layout, width);
  const rows = bytes.length / stride;
  const out = new Int16Array(rows * width);
  if (packing === "bytes") {
    for (let i = 0; i < out.length; i++) out[i] = bytes[i]!;
    return out;
  }
  const mask = 2 ** bits - 1;
  const half = range === "unsigned" ? 2 ** bits : 2 ** (bits - 1);
  for (let row = 0; row < rows; row++)
    for (let k = 0; k < width; k++) {
      const at = row * stride + Math.floor((k * bits) / 8);
      const from = (k * bits) % 8;
      const next = from + bits > 8 ? bytes[at + 1]! : 0;
      const word =
        packing === "low"
          ? (bytes[at]! | (next << 8)) >> from
          : ((bytes[at]! << 8) | next) >> (16 - bits - from);
      const code = word & mask;
      out[row * width + k] = code < half ? code : code - 2 ** bits;
    }
  return out;
}

/** The bytes of rows of codes: what `unpackCodes` reads. */
export function packCodes(layout: Layout, codes: ArrayLike<number>, width: number): Uint8Array {
  const { bits, packing } = layout;
  if (packing === "bytes") throw new FusewireError("codes that have a byte each are not packed");
  const stride = rowBytes(layout, width);
  const rows = codes.length / width;
  const out = new Uint8Array(rows * stride);
  for (let row = 0; row < rows; row++)
    for (let k = 0; k < width; k++) {
      const code = codes[row * width + k]! & (2 ** bits - 1);
      const at = row * stride + Math.floor((k * bits) / 8);
      const from = (k * bits) % 8;
      const word = packing === "low" ? code << from : code << (16 - bits - from);
      const [first, second] = packing === "low" ? [word & 255, word >> 8] : [word >> 8, word & 255];
      out[at]! |= first;
      if (from + bits > 8) out[at + 1]! |= second;
    }
  return out;
}
