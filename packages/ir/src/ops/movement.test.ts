import fc from "fast-check";
import { expect, test } from "vitest";
import { DTYPES } from "../dtype.ts";
import { evaluate } from "../interpret.ts";
import type { Node } from "../node.ts";
import { NodeTable } from "../table.ts";
import { sizeOf, stridesOf } from "../type.ts";
import { numbersOf } from "../value.ts";
import * as ops from "./index.ts";

const table = new NodeTable();
const run = (node: Node) => numbersOf(evaluate([node], {}).get(node)!);
const counting = (shape: readonly number[], dtype: (typeof DTYPES)[number] = "f32") =>
  ops.constant(
    table,
    Array.from({ length: sizeOf(shape) }, (_, i) => (dtype === "bool" ? i % 2 : i)),
    dtype,
    shape,
  );
const indexOf = (shape: readonly number[], i: number) =>
  stridesOf(shape).map((stride, k) => Math.floor(i / stride) % shape[k]!);

const x = counting([2, 3]);

test("reshape keeps the order; -1 stands for the rest", () => {
  expect(ops.reshape(x, [-1, 2]).type.shape).toEqual([3, 2]);
  expect(run(ops.reshape(x, [3, 2]))).toEqual([0, 1, 2, 3, 4, 5]);
  expect(ops.reshape(x, [2, 3])).toBe(x);
  expect(() => ops.reshape(x, [4])).toThrow("reshape(f32[2,3]): [4] has 4 elements, the input 6");
  expect(() => ops.reshape(x, [4, -1])).toThrow("[4,1] has 4 elements, the input 6");
});

test("transpose by hand and by index", () => {
  expect(run(ops.transpose(x, [1, 0]))).toEqual([0, 3, 1, 4, 2, 5]);
  expect(ops.transpose(x, [0, 1])).toBe(x);
  for (const perm of [[0], [0, 0], [1, 2]])
    expect(() => ops.transpose(x, perm)).toThrow(`[${perm}] is not an order of 2 axes`);
  const shapes = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(shapes, fc.constantFrom(...DTYPES), fc.infiniteStream(fc.nat()), (shape, dtype, order) => {
      const perm = shape
        .map((_, k) => [order.next().value, k] as const)
        .sort(([a], [b]) => a - b)
        .map(([, k]) => k);
      const source = counting(shape, dtype);
      const moved = run(ops.transpose(source, perm));
      const numbers = run(source);
      const strides = stridesOf(shape);
      const target = perm.map((p) => shape[p]!);
      const want = moved.map(
        (_, i) => numbers[indexOf(target, i).reduce((at, index, k) => at + index * strides[perm[k]!]!, 0)],
      );
      expect(moved).toEqual(want);
    }),
  );
});

test("broadcast_to repeats", () => {
  expect(run(ops.broadcastTo(counting([2, 1]), [2, 2, 2]))).toEqual([0, 0, 1, 1, 0, 0, 1, 1]);
  expect(run(ops.broadcastTo(ops.constant(table, 7, "i8"), [3]))).toEqual([7, 7, 7]);
  expect(() => ops.broadcastTo(x, [2, 4])).toThrow("[2,3] does not broadcast to [2,4]");
  expect(() => ops.broadcastTo(x, [3])).toThrow("does not broadcast");
});

test("slice", () => {
  expect(run(ops.slice(x, [0, 1], [2, 2]))).toEqual([1, 2, 4, 5]);
  expect(run(ops.sliceAxis(x, -1, 2, 1))).toEqual([2, 5]);
  expect(run(ops.sliceAxis(counting([2, 2, 3]), 1, 1, 1))).toEqual([3, 4, 5, 9, 10, 11]);
  expect(ops.slice(x, [0, 0], [2, 3])).toBe(x);
  for (const [starts, sizes] of [
    [
      [1, 0],
      [2, 3],
    ],
    [
      [0, 0],
      [2, 4],
    ],
    [
      [-1, 0],
      [1, 3],
    ],
    [[0], [2]],
  ] as const)
    expect(() => ops.slice(x, starts, sizes)).toThrow("lie outside [2,3]");
});

test("concat", () => {
  const y = ops.constant(table, [9, 8], "f32", [2, 1]);
  expect(run(ops.concat([x, y], 1))).toEqual([0, 1, 2, 9, 3, 4, 5, 8]);
  expect(run(ops.concat([y, y], 0))).toEqual([9, 8, 9, 8]);
  expect(ops.concat([x], 0)).toBe(x);
  expect(() => ops.concat([x, y], 0)).toThrow("inputs may differ only along axis 0");
  expect(() => ops.concat([x, counting([2, 3], "i32")], 0)).toThrow("inputs may differ only along axis 0");
  expect(() => ops.concat([], 0)).toThrow("at least one tensor");
});

test("what was cut along an axis joins again", () => {
  const shapes = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(shapes, fc.nat(), fc.constantFrom(...DTYPES), (shape, at, dtype) => {
      const axis = at % shape.length;
      const source = counting(shape, dtype);
      const parts = Array.from({ length: shape[axis]! }, (_, k) => ops.sliceAxis(source, axis, k, 1));
      expect(run(ops.concat(parts, axis))).toEqual(run(source));
    }),
  );
});
