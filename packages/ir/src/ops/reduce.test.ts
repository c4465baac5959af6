import fc from "fast-check";
import { expect, test } from "vitest";
import type { DType } from "../dtype.ts";
import { evaluate } from "../interpret.ts";
import type { Node } from "../node.ts";
import { NodeTable } from "../table.ts";
import type { Shape } from "../type.ts";
import { numbersOf } from "../value.ts";
import * as ops from "./index.ts";

const table = new NodeTable();
const of = (dtype: DType, shape: Shape, ...numbers: number[]) => ops.constant(table, numbers, dtype, shape);
const run = (node: Node) => numbersOf(evaluate([node], {}).get(node)!);
const { NaN: nan, POSITIVE_INFINITY: inf } = Number;

const grid = of("f32", [2, 3], 1, 5, 2, 4, 0, -6);

test("reductions keep the axis with size 1", () => {
  expect(ops.reduceSum(grid, 0).type.shape).toEqual([1, 3]);
  expect(run(ops.reduceSum(grid, 0))).toEqual([5, 5, -4]);
  expect(run(ops.reduceSum(grid))).toEqual([8, -2]);
  expect(run(ops.reduceMax(grid, 0))).toEqual([4, 5, 2]);
  expect(run(ops.reduceMax(grid, 1))).toEqual([5, 4]);
  expect(run(ops.reduceMax(of("f32", [2], -3, -2)))).toEqual([-2]);
  expect(run(ops.argmax(grid, 0))).toEqual([1, 0, 0]);
  expect(run(ops.argmax(grid))).toEqual([1, 0]);
  expect(run(ops.cumsum(grid, 0))).toEqual([1, 5, 2, 5, 5, -4]);
  expect(run(ops.cumsum(grid))).toEqual([1, 6, 8, 4, 4, -2]);
});

test("an axis in the middle", () => {
  const x = of("i32", [2, 2, 2], 1, 2, 3, 4, 5, 6, 7, 8);
  expect(run(ops.reduceSum(x, 1))).toEqual([4, 6, 12, 14]);
  expect(run(ops.cumsum(x, 1))).toEqual([1, 2, 4, 6, 5, 6, 12, 14]);
  expect(run(ops.argmax(x, 1))).toEqual([1, 1, 1, 1]);
});

test("sums run in f64 and round once", () => {
  expect(run(ops.reduceSum(of("f32", [4], 2 ** 24, 1, 1, -(2 ** 24))))).toEqual([2]);
  expect(run(ops.cumsum(of("f32", [4], 2 ** 24, 1, 1, -(2 ** 24))))).toEqual([
    2 ** 24,
    2 ** 24,
    2 ** 24 + 2,
    2,
  ]);
});

test("integer sums wrap", () => {
  expect(run(ops.reduceSum(of("i32", [3], 2 ** 31 - 1, 2 ** 31 - 1, 3)))).toEqual([1]);
  expect(run(ops.cumsum(of("i32", [2], 2 ** 31 - 1, 1)))).toEqual([2 ** 31 - 1, -(2 ** 31)]);
});

test("argmax: ties go to the lowest index and NaN never wins", () => {
  expect(run(ops.argmax(of("f32", [5], 1, 7, 7, 7, 0)))).toEqual([1]);
  expect(run(ops.argmax(of("f32", [3], nan, -5, nan)))).toEqual([1]);
  expect(run(ops.argmax(of("f32", [3], -inf, -inf, -inf)))).toEqual([0]);
  expect(run(ops.argmax(of("f32", [2], nan, nan)))).toEqual([0]);
  expect(run(ops.argmax(of("i32", [3], -4, -2, -2)))).toEqual([1]);
});

test("max carries NaN", () => {
  expect(run(ops.reduceMax(of("f32", [3], 1, nan, 2)))).toEqual([nan]);
});

test("argsort is a stable order in both directions", () => {
  expect(run(ops.argsort(of("f32", [5], 2, 1, 2, 1, -inf), false))).toEqual([4, 1, 3, 0, 2]);
  expect(run(ops.argsort(of("f32", [5], 2, 1, 2, 1, -inf), true))).toEqual([0, 2, 1, 3, 4]);
  // torch.sort(torch.tensor([nan, 1., -inf, nan, inf, -0., 0.]), stable=True), and with descending=True.
  const odd = of("f32", [7], Number.NaN, 1, -inf, Number.NaN, inf, -0, 0);
  expect(run(ops.argsort(odd, false))).toEqual([2, 5, 6, 1, 4, 0, 3]);
  expect(run(ops.argsort(odd, true))).toEqual([0, 3, 4, 1, 5, 6, 2]);
  expect(run(ops.argsort(of("i32", [2, 2], 3, 2, 0, 9), false))).toEqual([1, 0, 0, 1]);
  const few = fc.array(fc.integer({ min: -2, max: 2 }), { minLength: 1, maxLength: 30 });
  fc.assert(
    fc.property(few, fc.boolean(), (numbers, descending) => {
      const order = run(ops.argsort(of("i32", [numbers.length], ...numbers), descending));
      expect([...order].sort((a, b) => a - b)).toEqual(numbers.map((_, k) => k));
      for (let k = 1; k < order.length; k++) {
        const [before, after] = [order[k - 1]!, order[k]!];
        const difference = (numbers[after]! - numbers[before]!) * (descending ? -1 : 1);
        expect(difference > 0 || (difference === 0 && before < after)).toBe(true);
      }
    }),
  );
});

test("axes and dtypes that do not fit", () => {
  expect(() => ops.reduceSum(grid, 2)).toThrow("axis 2 is outside a tensor of rank 2");
  expect(() => ops.reduceSum(of("u32", [2], 1, 2))).toThrow("takes f32 or i32");
  expect(() => ops.argsort(of("f32", [], 1), false)).toThrow("cannot sort a scalar");
});
