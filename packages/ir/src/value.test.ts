import fc from "fast-check";
import { expect, test } from "vitest";
import { DTYPES, type DType, fromBf16 } from "./dtype.ts";
import { castValue, emptyValue, floats, numbersOf, toValue } from "./value.ts";

const value = (dtype: DType, ...numbers: number[]) => toValue({ dtype, shape: [numbers.length] }, numbers);
const casted = (from: DType, to: DType, ...numbers: number[]) =>
  numbersOf(castValue(value(from, ...numbers), to));

test("floats truncate towards zero and saturate on the way to integers; NaN becomes 0", () => {
  const { NaN: nan, POSITIVE_INFINITY: inf } = Number;
  expect(casted("f32", "i32", 1.9, -1.9, 3e9, -3e9, inf, -inf, nan)).toEqual([
    1,
    -1,
    2 ** 31 - 1,
    -(2 ** 31),
    2 ** 31 - 1,
    -(2 ** 31),
    0,
  ]);
  expect(casted("f32", "u32", 1.9, -1.9, 5e9, nan)).toEqual([1, 0, 2 ** 32 - 1, 0]);
  expect(casted("f32", "i8", 127.9, 128, -128.9, -129, nan)).toEqual([127, 127, -128, -128, 0]);
  expect(casted("f32", "u8", 255.9, 256, -1, nan)).toEqual([255, 255, 0, 0]);
  expect(casted("f32", "bool", 0, -0, 0.5, -3, nan)).toEqual([0, 0, 1, 1, 0]);
});

test("integers saturate between each other and round to floats", () => {
  expect(casted("i32", "u32", -1, 5)).toEqual([0, 5]);
  expect(casted("u32", "i32", 2 ** 32 - 1)).toEqual([2 ** 31 - 1]);
  expect(casted("i32", "i8", 300, -300)).toEqual([127, -128]);
  expect(casted("i32", "f32", 2 ** 24 + 1, 2 ** 24 + 3)).toEqual([2 ** 24, 2 ** 24 + 4]);
  expect(casted("i32", "f16", 2049, 100000)).toEqual([2048, Number.POSITIVE_INFINITY]);
  expect(casted("bool", "f32", 0, 1)).toEqual([0, 1]);
});

test("the short way from bf16 to f32 gives the same as the long one", () => {
  const words = Uint16Array.from({ length: 65536 }, (_, word) => word);
  const wide = castValue({ type: { dtype: "bf16", shape: [65536] }, data: words }, "f32");
  expect(floats(wide)).toEqual(Float32Array.from(words, fromBf16));
});

test("a widened value casts back to itself", () => {
  const narrow = DTYPES.filter((dtype) => dtype !== "f32" && dtype !== "i32" && dtype !== "u32");
  fc.assert(
    fc.property(fc.constantFrom(...narrow), fc.array(fc.integer({ min: 0, max: 255 })), (dtype, words) => {
      const original = emptyValue({ dtype, shape: [words.length] });
      original.data.set(dtype === "bool" ? words.map((word) => word & 1) : words);
      expect(castValue(castValue(original, "f32"), dtype)).toEqual(original);
    }),
  );
});

test("floats refuses other dtypes", () => {
  expect(() => floats(value("i32", 1))).toThrow("expected f32, got i32");
});

test.each(["f16", "bf16"] as const)("a large value of %s is cast as a small one is", (from) => {
  const words = Uint16Array.from({ length: 65536 + 5 }, (_, k) => k * 7);
  for (const to of DTYPES) {
    const large = castValue({ type: { dtype: from, shape: [words.length] }, data: words }, to);
    const part = { type: { dtype: from, shape: [60000] }, data: words.slice(5541) };
    expect(large.data.slice(5541)).toEqual(castValue(part, to).data);
  }
});
