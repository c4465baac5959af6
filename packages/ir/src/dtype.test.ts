import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  allocate,
  bytesPerElement,
  DTYPES,
  fromBf16,
  fromF16,
  isDType,
  toBf16,
  toF16,
  view,
} from "./dtype.ts";

test("a number of more digits than an f32 is rounded to bf16 once", () => {
  const halfway = 1 + 2 ** -8;
  const tail = 2 ** -40;
  expect([halfway, halfway + tail, halfway + 2 ** -7 - tail].map(toBf16).map(fromBf16)).toEqual([
    1,
    1 + 2 ** -7,
    1 + 2 ** -7,
  ]);
  expect(fromBf16(toBf16(-halfway - tail))).toBe(-1 - 2 ** -7);
});

const words = Array.from({ length: 65536 }, (_, word) => word);

/** Nearest word by search: what rounding means, without any bit trick. Ties go to the even word. */
function nearestWord(x: number, from: (word: number) => number, infinity: number): number {
  const sign = x < 0 || Object.is(x, -0) ? 0x8000 : 0;
  const magnitude = Math.abs(x);
  let low = 0;
  let high = infinity;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (from(middle) <= magnitude) low = middle;
    else high = middle;
  }
  // Beyond the largest finite value, the step to "infinity" is as wide as the one before it.
  const above = high === infinity ? 2 * from(low) - from(low - 1) : from(high);
  const rest = magnitude - from(low) - (above - magnitude);
  return sign | (rest > 0 || (rest === 0 && low % 2 === 1) ? high : low);
}

describe.each([
  { name: "f16", to: toF16, from: fromF16, infinity: 0x7c00, one: 0x3c00 },
  { name: "bf16", to: toBf16, from: fromBf16, infinity: 0x7f80, one: 0x3f80 },
])("$name", ({ to, from, infinity, one }) => {
  test("every word survives widening and rounding", () => {
    const broken = words.filter((word) => {
      const notANumber = (word & 0x7fff) > infinity;
      return notANumber
        ? !Number.isNaN(from(word)) || (to(from(word)) & 0x7fff) <= infinity
        : to(from(word)) !== word;
    });
    expect(broken).toEqual([]);
  });

  test("words are ordered, and known ones mean what IEEE 754 says", () => {
    const finite = words.slice(1, infinity + 1);
    expect(finite.filter((word) => !(from(word) > from(word - 1)))).toEqual([]);
    expect(from(one)).toBe(1);
    expect(from(one | 0x8000)).toBe(-1);
    expect(from(infinity)).toBe(Number.POSITIVE_INFINITY);
    expect(Object.is(from(0x8000), -0)).toBe(true);
  });

  test("rounds to the nearest word, ties to even", () => {
    fc.assert(
      fc.property(fc.float({ noNaN: true }), (x) => {
        fc.pre(Number.isFinite(x));
        expect(to(x)).toBe(nearestWord(x, from, infinity));
      }),
      { numRuns: 1000 },
    );
    fc.assert(
      fc.property(fc.integer({ min: 0, max: infinity - 1 }), fc.boolean(), (word, negative) => {
        const next = word + 1 === infinity ? 2 * from(word) - from(word - 1) : from(word + 1);
        const tie = (from(word) + next) / 2;
        const x = negative ? -tie : tie;
        expect(to(x) & 0x7fff).toBe(word % 2 === 0 ? word : word + 1);
      }),
      { numRuns: 1000 },
    );
  });
});

test("known roundings", () => {
  expect(toF16(65504)).toBe(0x7bff);
  expect(toF16(65519.996)).toBe(0x7bff);
  expect(toF16(65520)).toBe(0x7c00);
  expect(toF16(2 ** -24)).toBe(1);
  expect(toF16(2 ** -25)).toBe(0);
  expect(toF16(2 ** -25 * 1.001)).toBe(1);
  expect(toF16(1 + 2 ** -11)).toBe(0x3c00);
  expect(toF16(1 + 3 * 2 ** -11)).toBe(0x3c02);
  expect(toF16(2 ** -14 - 2 ** -26)).toBe(0x0400);
  expect(toBf16(1 + 2 ** -8)).toBe(0x3f80);
  expect(toBf16(1 + 3 * 2 ** -8)).toBe(0x3f82);
  expect(toBf16(3.4028234663852886e38)).toBe(0x7f80);
  expect(toBf16(Math.PI)).toBe(0x4049);
});

test("a dtype is one of the list, not any property of an object", () => {
  expect(DTYPES.every(isDType)).toBe(true);
  expect(["f64", "", "constructor", "toString"].some(isDType)).toBe(false);
});

test("arrays have the element size of their dtype and views share the buffer", () => {
  for (const dtype of DTYPES) {
    const array = allocate(dtype, 3);
    expect([array.length, array.BYTES_PER_ELEMENT]).toEqual([3, bytesPerElement(dtype)]);
    view(dtype, array.buffer, bytesPerElement(dtype), 1)[0] = 1;
    expect([...array]).toEqual([0, 1, 0]);
  }
});
