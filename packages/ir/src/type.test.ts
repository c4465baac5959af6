import fc from "fast-check";
import { expect, test } from "vitest";
import { DTYPES } from "./dtype.ts";
import {
  broadcastShapes,
  bytesOf,
  formatType,
  normalizeAxis,
  parseType,
  sameType,
  sizeOf,
  stridesOf,
  tensorType,
} from "./type.ts";

const arbitraryShape = fc.array(fc.integer({ min: 1, max: 1e6 }), { maxLength: 5 });

test("types survive printing and parsing", () => {
  fc.assert(
    fc.property(fc.constantFrom(...DTYPES), arbitraryShape, (dtype, shape) => {
      const type = tensorType(dtype, shape);
      expect(sameType(parseType(formatType(type)), type)).toBe(true);
    }),
  );
  expect(formatType(tensorType("f32", []))).toBe("f32[]");
  expect(formatType(tensorType("i8", [2, 64]))).toBe("i8[2,64]");
});

test.each([
  "f32",
  "f32[",
  "f32[2,]",
  "f32[,2]",
  "f32[,]",
  "f32[-1]",
  "f32[1.5]",
  "f33[2]",
  "constructor[2]",
  "f32[2] ",
])("'%s' is not a type", (text) => {
  expect(() => parseType(text)).toThrow(`'${text}' is not a tensor type such as f32[2,64]`);
});

test("sizes and strides", () => {
  expect(sizeOf([])).toBe(1);
  expect(sizeOf([2, 3, 4])).toBe(24);
  expect(stridesOf([2, 3, 4])).toEqual([12, 4, 1]);
  expect(stridesOf([])).toEqual([]);
  expect(bytesOf(tensorType("bf16", [3, 5]))).toBe(30);
});

test("broadcasting is NumPy's", () => {
  expect(broadcastShapes([2, 1, 3], [4, 1])).toEqual([2, 4, 3]);
  expect(broadcastShapes([], [5])).toEqual([5]);
  expect(broadcastShapes([1], [1])).toEqual([1]);
  expect(broadcastShapes([2], [3])).toBeUndefined();
  expect(broadcastShapes([2, 3], [2])).toBeUndefined();
});

test("axes count from either end", () => {
  expect(normalizeAxis(-1, 3)).toBe(2);
  expect(normalizeAxis(0, 1)).toBe(0);
  for (const axis of [3, -4, 0.5]) expect(() => normalizeAxis(axis, 3)).toThrow(`axis ${axis} is outside`);
});
