import { FusewireError } from "../errors.ts";

/**
 * How numbers of few bits lie in memory and what they mean. A number of a row is made from its code, and from the scale
 * and the zero that the code shares with the other codes of its group:
 *
 *     number = (value(code) - zero) · scale     zeros of integers
 *     number = value(code) · scale + zero       zeros of floats: what a code of value 0 stands for
 *
 * Scales may be of any float dtype, which the type of their tensor says. Scales that are codes themselves, as double
 * quantization has them, are another `dequantize` in the graph.
 */
export interface Layout {
  /** Bits of a code, 1 to 8. */
  readonly bits: number;
  /**
   * Where codes lie. `bytes`: one in each i8 or u8. `low` and `high`: one after another in the bits of u8 bytes, each
   * row from a byte of its own, the first code of a byte in its lowest or in its highest bits.
   */
  readonly packing: Packing;
  /** What a code's bits mean: two's complement, with or without the smallest number, or a number from 0 on. */
  readonly range: CodeRange;
  /** The value of each code; without one, a code is its own value. Only unsigned codes have one. */
  readonly codebook?: readonly number[];
  /** Neighbours in a row that share a scale. */
  readonly group: number;
  readonly zeros: "none" | "integer" | "float";
  /** Whether an order is given: code j of a row is the one of column order[j]. Groups are of codes as they lie. */
  readonly permuted: boolean;
}

export type Packing = "bytes" | "low" | "high";
export type CodeRange = "signed" | "symmetric" | "unsigned";

/** A layout from what it does not share with plain integers: a byte each, no zeros, in their order. */
export const layout = (parts: Pick<Layout, "bits" | "range" | "group"> & Partial<Layout>): Layout => ({
  packing: "bytes",
  zeros: "none",
  permuted: false,
  ...parts,
});

/** Throws where a layout contradicts itself. */
export function checkLayout({ bits, range, codebook, group }: Layout): void {
  if (!Number.isInteger(bits) || bits < 1 || bits > 8)
    throw new FusewireError(`codes have 1 to 8 bits, not ${bits}`);
  if (bits === 1 && range !== "unsigned") throw new FusewireError("codes of one bit have no sign");
  if (!Number.isSafeInteger(group) || group < 1) throw new FusewireError(`a group has no ${group} elements`);
  if (!codebook) return;
  if (range !== "unsigned") throw new FusewireError("codes that pick from a codebook are unsigned");
  if (codebook.length !== 2 ** bits)
    throw new FusewireError(`codes of ${bits} bits pick from ${2 ** bits} values, not ${codebook.length}`);
}

/** The smallest and the largest code. */
export function limits({
  bits,
  range,
}: Pick<Layout, "bits" | "range">): readonly [low: number, high: number] {
  if (range === "unsigned") return [0, 2 ** bits - 1];
  const high = 2 ** (bits - 1) - 1;
  return [range === "symmetric" ? -high : -high - 1, high];
}

/** Bytes of a row of packed codes, or its elements where each has a byte of its own. */
export const rowBytes = ({ bits, packing }: Layout, codes: number): number =>
  packing === "bytes" ? codes : Math.ceil((codes * bits) / 8);

/** Whether two layouts are one. */
export function sameLayout(a: Layout, b: Layout): boolean {
  return (
    a.bits === b.bits &&
    a.packing === b.packing &&
    a.range === b.range &&
    a.group === b.group &&
    a.zeros === b.zeros &&
    a.permuted === b.permuted &&
    a.codebook?.length === b.codebook?.length &&
    (a.codebook ?? []).every((value, code) => Object.is(value, b.codebook![code]))
  );
}
