import { expect, test } from "vitest";
import { evaluate } from "../interpret.ts";
import type { Node } from "../node.ts";
import { NodeTable } from "../table.ts";
import { numbersOf } from "../value.ts";
import { constant, iota, scalarLike, trigTable, uniformValue } from "./index.ts";

const run = (node: Node) => numbersOf(evaluate([node], {}).get(node)!);

test("constants are rounded when made, so that equal ones are one node", () => {
  const table = new NodeTable();
  expect(constant(table, 0.1, "f32")).toBe(constant(table, Math.fround(0.1), "f32"));
  expect(constant(table, 1.001, "bf16")).toBe(constant(table, 1, "bf16"));
  expect(constant(table, 300, "u8")).toBe(constant(table, 255, "u8"));
  expect(constant(table, -0, "f32")).not.toBe(constant(table, 0, "f32"));
  expect(constant(table, [2, 2, 2], "f32", [3])).toBe(constant(table, 2, "f32", [3]));
  expect(constant(table, [2], "f32", [1])).toBe(constant(table, 2, "f32", [1]));
});

test("one value fills the shape; any other number of values must be all of them", () => {
  const table = new NodeTable();
  expect(run(constant(table, 3, "i32", [2, 2]))).toEqual([3, 3, 3, 3]);
  expect(run(constant(table, [1, 2, 3, 4], "f16", [2, 2]))).toEqual([1, 2, 3, 4]);
  for (const values of [[1, 1, 1], [1, 2, 3], []])
    expect(() => constant(table, values, "f32", [2])).toThrow(
      `shape [2] needs 2 values or one, not ${values.length}`,
    );
});

test("what fills a constant is known only of constants of one value", () => {
  const table = new NodeTable();
  expect(uniformValue(constant(table, 3, "f32", [4]))).toBe(3);
  expect(uniformValue(constant(table, [3, 4], "f32", [2]))).toBeUndefined();
  expect(uniformValue(iota(table, 3))).toBeUndefined();
  expect(uniformValue(scalarLike(iota(table, 3), 2))).toBe(2);
});

test.each([2.7, Number.NaN, Number.NEGATIVE_INFINITY, 2 ** 31])(
  "an integer scalar of %s is refused, not rounded",
  (value) => {
    expect(() => scalarLike(iota(new NodeTable(), 3), value)).toThrow(`i32 cannot hold ${value}`);
  },
);

test("iota counts", () => {
  const table = new NodeTable();
  expect(run(iota(table, 4))).toEqual([0, 1, 2, 3]);
  expect(() => iota(table, 0)).toThrow("sizes must be whole numbers above 0");
});

test("trig tables form the angle in f32 and round once", () => {
  const table = new NodeTable();
  const frequencies = [1, 0.1];
  const angles = [
    0,
    0,
    1,
    Math.fround(0.1),
    2,
    Math.fround(2 * Math.fround(0.1)),
    3,
    Math.fround(3 * Math.fround(0.1)),
  ];
  expect(run(trigTable(table, "cos", 4, frequencies))).toEqual(angles.map((a) => Math.fround(Math.cos(a))));
  expect(run(trigTable(table, "sin", 4, frequencies, 1.5))).toEqual(
    angles.map((a) => Math.fround(Math.sin(a) * 1.5)),
  );
  // At a late position, an angle that was not rounded would give other digits.
  const late = run(trigTable(table, "cos", 5001, [0.1]))[5000];
  expect(late).toBe(Math.fround(Math.cos(500)));
  expect(late).not.toBe(Math.fround(Math.cos(5000 * Math.fround(0.1))));
});
