import { expect, test } from "vitest";
import { evaluate } from "../interpret.ts";
import type { Node } from "../node.ts";
import { NodeTable } from "../table.ts";
import { tensorType } from "../type.ts";
import { numbersOf, toValue } from "../value.ts";
import * as ops from "./index.ts";

const table = new NodeTable();
const run = (node: Node) => numbersOf(evaluate([node], {}).get(node)!);
const ints = (shape: readonly number[], ...numbers: number[]) => ops.constant(table, numbers, "i32", shape);
const float = (shape: readonly number[], ...numbers: number[]) => ops.constant(table, numbers, "f32", shape);

test("gather picks whole entries", () => {
  const x = float([3, 2], 0, 1, 10, 11, 20, 21);
  expect(run(ops.gather(x, ints([2], 2, 0)))).toEqual([20, 21, 0, 1]);
  expect(ops.gather(x, ints([2, 1], 2, 0)).type.shape).toEqual([2, 1, 2]);
  expect(run(ops.gather(x, ints([], 1)))).toEqual([10, 11]);
});

test("gather clamps to the nearest end", () => {
  const x = float([3], 5, 6, 7);
  expect(run(ops.gather(x, ints([4], -1, -100, 3, 2 ** 31 - 1)))).toEqual([5, 5, 7, 7]);
});

test("gather along shared leading axes", () => {
  const x = float([2, 3], 0, 1, 2, 10, 11, 12);
  expect(run(ops.gather(x, ints([2, 2], 2, 0, -4, 9), 1))).toEqual([2, 0, 10, 12]);
  expect(() => ops.gather(x, ints([3, 1], 0, 0, 1), 1)).toThrow("the first 1 axes must agree");
  expect(() => ops.gather(x, ints([2, 3], 0, 1, 2, 0, 1, 2), 2)).toThrow("one more is gathered from");
  expect(() => ops.gather(x, x)).toThrow("indices must be i32");
  expect(() => ops.gather(float([3], 1, 2, 3), ints([1], 0), -1)).toThrow("the first -1 axes must agree");
});

const cache = float([3, 1, 4, 1], ...[0, 1, 2, 3], ...[10, 11, 12, 13], ...[20, 21, 22, 23]);

test("cache_write: ragged counts, rows by number, tails dropped", () => {
  const values = float([2, 1, 3, 1], ...[91, 92, 93], ...[81, 82, 83]);
  const write = (rows: number[], at: number[], count: number[]) =>
    run(ops.cacheWrite(cache, ints([2], ...rows), ints([2], ...at), ints([2], ...count), values, 2));
  const row = (...numbers: number[]) => numbers;
  expect(write([2, 0], [1, 0], [2, 1])).toEqual([
    ...row(81, 1, 2, 3),
    10,
    11,
    12,
    13,
    ...row(20, 91, 92, 23),
  ]);
  expect(write([0, 1], [3, 2], [3, 3])).toEqual([
    ...row(0, 1, 2, 91),
    ...row(10, 11, 81, 82),
    20,
    21,
    22,
    23,
  ]);
  expect(write([0, 1], [0, 0], [0, -5])).toEqual(run(cache));
  expect(write([0, 1], [0, 4], [99, 1])).toEqual([91, 92, 93, 3, 10, 11, 12, 13, 20, 21, 22, 23]);
  expect(write([0, 1], [-1, -9], [3, 3])).toEqual([92, 93, 2, 3, 10, 11, 12, 13, 20, 21, 22, 23]);
  // Rows outside the cache write nothing.
  expect(write([-1, 3], [0, 0], [3, 3])).toEqual(run(cache));
});

test("cache_write leaves its input alone and works along any axis but the first", () => {
  const old = toValue(tensorType("i32", [2, 3]), [1, 2, 3, 4, 5, 6]);
  const ids = ops.input(table, "ids", old.type);
  const next = ops.cacheWrite(ids, ints([1], 1), ints([1], 1), ints([1], 1), ints([1, 1], 9), 1);
  const written = evaluate([next], { inputs: () => old }).get(next)!;
  expect(numbersOf(written)).toEqual([1, 2, 3, 4, 9, 6]);
  expect(numbersOf(old)).toEqual([1, 2, 3, 4, 5, 6]);
  const heads = float([1, 2, 2, 2], 0, 1, 2, 3, 4, 5, 6, 7);
  const one = ints([1], 0);
  const values = float([1, 2, 1, 2], 90, 91, 92, 93);
  expect(run(ops.cacheWrite(heads, one, ints([1], 1), ints([1], 1), values, 2))).toEqual([
    0, 1, 90, 91, 4, 5, 92, 93,
  ]);
});

test("cache_write into a ring goes round, and drops what lies below 0 alone", () => {
  const values = float([1, 1, 3, 1], 91, 92, 93);
  const write = (at: number, count: number) =>
    run(ops.cacheWrite(cache, ints([1], 1), ints([1], at), ints([1], count), values, 2, true)).slice(4, 8);
  expect(write(3, 3)).toEqual([92, 93, 12, 91]);
  expect(write(10, 2)).toEqual([10, 11, 91, 92]);
  expect(write(-1, 3)).toEqual([92, 93, 12, 13]);
  const wide = ints([1, 3], 1, 2, 3);
  const narrow = () =>
    ops.cacheWrite(ints([1, 2], 0, 0), ints([1], 0), ints([1], 0), ints([1], 3), wide, 1, true);
  expect(narrow).toThrow("a ring takes at most as many entries at once as it has slots");
});

test("cache_write refuses what does not fit", () => {
  const one = ints([1], 0);
  const write = (values: Node, axis: number, rows = one) =>
    ops.cacheWrite(cache, rows, one, one, values, axis);
  expect(() => write(float([1, 2, 1, 1], 1, 2), 2)).toThrow(
    "values may differ from the cache in dtype nowhere",
  );
  expect(() => write(ints([1, 1, 1, 1], 1), 2)).toThrow("in dtype nowhere");
  // The values fit but for the axis, along which the cache has no slots.
  const fitting = float([1, 1, 4, 1], 1, 2, 3, 4);
  for (const axis of [0, 4, -1]) expect(() => write(fitting, axis)).toThrow("along axes 0 and");
  expect(() => write(float([1, 1, 1, 1], 1), 2, ints([2], 0, 1))).toThrow("must be i32[1]");
});

test("occurs sees the first entries only, and ids within the size", () => {
  // An id beyond the size must not be counted for the next row.
  const beyond = ints([2, 3], 4, 1, 6, 0, -2, 0);
  expect(run(ops.occurs(beyond, ints([2], 3, 1), 4))).toEqual([0, 1, 0, 0, 1, 0, 0, 0]);
  const ids = ints([2, 4], 1, 0, 3, 2, -1, 4, 1, 99);
  expect(run(ops.occurs(ids, ints([2], 2, 4), 4))).toEqual([1, 1, 0, 0, 0, 1, 0, 0]);
  expect(run(ops.occurs(ids, ints([2], 0, -3), 2))).toEqual([0, 0, 0, 0]);
  expect(run(ops.occurs(ids, ints([2], 99, 0), 4))).toEqual([1, 1, 1, 1, 0, 0, 0, 0]);
  expect(() => ops.occurs(ids, ints([1], 1), 4)).toThrow("takes ids i32[B, L] and lengths i32[B]");
});
