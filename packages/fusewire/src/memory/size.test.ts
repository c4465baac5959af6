import { expect, test } from "vitest";
import { memorySize } from "./size.ts";

test.each<[number | string, number]>([
  [1000, 1000],
  ["1000", 1000],
  ["6GiB", 6 * 2 ** 30],
  ["1.5 GB", 1.5e9],
  ["500mb", 5e8],
])("%s is %s bytes", (text, bytes) => expect(memorySize(text)).toBe(bytes));

test.each([0, -1, Number.NaN, "", "6 apples", "GiB"])("%j is refused", (value) =>
  expect(() => memorySize(value)).toThrow('a size such as "6GiB"'),
);
