import fc from "fast-check";
import { expect, test } from "vitest";
import {
  formatLayout,
  integers,
  isIntegers,
  type Layout,
  layout,
  limits,
  packCodes,
  parseLayout,
  q4,
  q7,
  q8,
  unpackCodes,
} from "./index.ts";

const arbitraryLayout: fc.Arbitrary<Layout> = fc
  .record({
    bits: fc.integer({ min: 2, max: 8 }),
    packing: fc.constantFrom("bytes" as const, "low" as const, "high" as const),
    range: fc.constantFrom("signed" as const, "symmetric" as const, "unsigned" as const),
    group: fc.integer({ min: 1, max: 128 }),
    zeros: fc.constantFrom("none" as const, "integer" as const, "float" as const),
    permuted: fc.boolean(),
    book: fc.boolean(),
  })
  .map(({ book, ...rest }) =>
    book && rest.range === "unsigned"
      ? { ...rest, codebook: Array.from({ length: 2 ** rest.bits }, (_, k) => (k === 3 ? -0 : k / 3)) }
      : rest,
  );

test("what is printed is read back", () => {
  expect(formatLayout(q4(32))).toBe("i4 group=32");
  expect(formatLayout({ ...q8(64), zeros: "integer", permuted: true })).toBe(
    "s8 group=64 zeros=integer permuted",
  );
  fc.assert(
    fc.property(arbitraryLayout, (given) => {
      expect(parseLayout(formatLayout(given))).toEqual(given);
    }),
  );
});

test.each([
  ["", "does not say what codes are"],
  ["x4 group=2", "does not say what codes are"],
  ["i4 group=2 group=2", "says something twice"],
  ["i4 group=2 zeros=some", "zeros are none, integer, float"],
  ["i4 group=2 upside", "unknown word 'upside'"],
  ["i9 group=2", "1 to 8 bits, not 9"],
  ["i4", "a group has no NaN elements"],
  ["u2 group=2 codebook=1,2,3", "pick from 4 values, not 3"],
  ["i2 group=2 codebook=1,2,3,4", "are unsigned"],
])("'%s' is no layout", (text, message) => {
  expect(() => parseLayout(text)).toThrow(message);
});

test("limits", () => {
  expect([q8(1), q7(1), q4(1), layout({ bits: 3, range: "unsigned", group: 1 })].map(limits)).toEqual([
    [-127, 127],
    [-63, 63],
    [-8, 7],
    [0, 7],
  ]);
  expect([q8(4), { ...q4(4), zeros: "integer" } as const].every(isIntegers)).toBe(true);
  expect(
    [{ ...q4(4), packing: "low" } as const, { ...q4(4), permuted: true }, { ...q4(4), bits: 5 }].some(
      isIntegers,
    ),
  ).toBe(false);
  expect(() => integers(5, 4)).toThrow("integers have 8, 7, 4 bits, not 5");
});

test("packed codes come back, each row from a byte of its own", () => {
  expect([...packCodes({ ...q4(1), packing: "low" }, [1, -8, 7, 2, 3, 4], 3)]).toEqual([
    0x81, 0x07, 0x32, 0x04,
  ]);
  expect([...packCodes({ ...q4(1), packing: "high" }, [1, -8, 7, 2, 3, 4], 3)]).toEqual([
    0x18, 0x70, 0x23, 0x40,
  ]);
  fc.assert(
    fc.property(arbitraryLayout, fc.integer({ min: 1, max: 19 }), fc.nat(), (given, width, seed) => {
      if (given.packing === "bytes") return;
      const [low, high] = limits(given);
      const codes = Array.from({ length: 2 * width }, (_, k) => low + ((seed + 31 * k) % (high - low + 1)));
      expect([...unpackCodes(given, packCodes(given, codes, width), width)]).toEqual(codes);
    }),
  );
});
