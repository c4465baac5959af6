/** The layouts that Fusewire quantizes to: integers in the order of the row, with a scale a group and no zeros. */
import { FusewireError } from "../errors.ts";
import { type Layout, layout, sameLayout } from "./layout.ts";

/** -127..127. */
export const q8 = (group: number): Layout => layout({ bits: 8, range: "symmetric", group });

/** -63..63: rows of activations, so that the sum of two products with bytes fits the 16 bits that SIMD has for it. */
export const q7 = (group: number): Layout => layout({ bits: 7, range: "symmetric", group });

/** -8..7. Engines pack them by twos. */
export const q4 = (group: number): Layout => layout({ bits: 4, range: "signed", group });

const BY_BITS: ReadonlyMap<number, (group: number) => Layout> = new Map([
  [8, q8],
  [7, q7],
  [4, q4],
]);

/** The integer layout of a number of bits. */
export function integers(bits: number, group: number): Layout {
  const make = BY_BITS.get(bits);
  if (!make) throw new FusewireError(`integers have ${[...BY_BITS.keys()].join(", ")} bits, not ${bits}`);
  return make(group);
}

/** Whether a layout, apart from zeros, is one of those above. */
export const isIntegers = (given: Layout): boolean =>
  BY_BITS.has(given.bits) && sameLayout({ ...given, zeros: "none" }, integers(given.bits, given.group));
