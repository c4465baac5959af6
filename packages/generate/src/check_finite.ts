/** Whether weights are finite numbers: every element of a checkpoint passes here, so the test is on whole words. */
import { type DType, FusewireError, formatType, type Value } from "@fusewire/ir";

/** Of a format's elements in a word of 32 bits: the exponents, and the lowest bit of each. */
interface Exponents {
  readonly mask: number;
  readonly one: number;
}

/** Exponent bits that are all ones mean infinity or NaN, in every float format. */
const EXPONENTS: Partial<Record<DType, Exponents>> = {
  f32: { mask: 0x7f800000, one: 0x00800000 },
  bf16: { mask: 0x7f807f80, one: 0x00800080 },
  f16: { mask: 0x7c007c00, one: 0x04000400 },
};

/** Throws, naming the element, where a float weight holds infinity or NaN. */
export function checkFinite(name: string, { type, data }: Value): void {
  const exponents = EXPONENTS[type.dtype];
  if (!exponents || data.length === 0) return;
  const { buffer, byteOffset, byteLength } = data;
  // Elements of 16 bits before the first whole word and behind the last make words of their own.
  const head = Math.min(byteLength, -byteOffset & 3);
  const words = new Int32Array(buffer, byteOffset + head, (byteLength - head) >> 2);
  const finite = allFinite(words, exponents) && allFinite(endsOf(data, head), exponents);
  if (finite) return;
  const at = data.findIndex(
    (_, k) => !allFinite(endsOf(data.subarray(k, k + 1), data.BYTES_PER_ELEMENT), exponents),
  );
  throw new FusewireError(
    `weight '${name}' ${formatType(type)} holds a value that is not a finite number, at element ${at}; the file is damaged or the training diverged: download it again`,
  );
}

/** An exponent of all ones carries into the bit above it when one is added, and no other does. */
function allFinite(words: Int32Array, { mask, one }: Exponents): boolean {
  let carries = 0;
  for (let k = 0; k < words.length; k++) carries |= ((words[k]! & mask) + one) | 0;
  return (carries & ~mask & (mask + one)) === 0;
}

/** The first `head` bytes and those behind the last whole word, with zeros between. */
function endsOf({ buffer, byteOffset, byteLength }: ArrayBufferView, head: number): Int32Array {
  const ends = new Uint8Array(8);
  const tail = byteLength - ((byteLength - head) & 3);
  ends.set(new Uint8Array(buffer, byteOffset, head));
  ends.set(new Uint8Array(buffer, byteOffset + tail, byteLength - tail), 4);
  return new Int32Array(ends.buffer);
}
