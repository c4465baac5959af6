import fc from "fast-check";
import { expect, test } from "vitest";
import { evaluate } from "../interpret.ts";
import type { Node } from "../node.ts";
import { NodeTable } from "../table.ts";
import { expectClose, randomValue } from "../testing/index.ts";
import { type Shape, sizeOf } from "../type.ts";
import { numbersOf, toValue } from "../value.ts";
import * as ops from "./index.ts";

const table = new NodeTable();
const value = (node: Node) => evaluate([node], {}).get(node)!;
const of = (shape: Shape, ...numbers: number[]) => ops.constant(table, numbers, "f32", shape);

test("products by hand", () => {
  const a = of([2, 3], 1, 2, 3, 4, 5, 6);
  const b = of([3, 2], 7, 8, 9, 10, 11, 12);
  expect(numbersOf(value(ops.matmul(a, b)))).toEqual([58, 64, 139, 154]);
  expect(numbersOf(value(ops.matmul(a, a, { transposeB: true })))).toEqual([14, 32, 32, 77]);
});

test("leading axes broadcast, with the weight as stored or transposed", () => {
  const size = fc.integer({ min: 1, max: 5 });
  const stacks = fc.constantFrom<[Shape, Shape, Shape]>(
    [[], [], []],
    [[2], [], [2]],
    [[], [3], [3]],
    [[2, 1], [3], [2, 3]],
    [
      [2, 3],
      [1, 3],
      [2, 3],
    ],
    [[1], [1], [1]],
  );
  fc.assert(
    fc.property(stacks, size, size, size, fc.nat(), ([left, right, joined], m, k, n, seed) => {
      const a = randomValue({ dtype: "f32", shape: [...left, m, k] }, seed);
      const b = randomValue({ dtype: "f32", shape: [...right, k, n] }, seed + 1);
      const [x, y] = [ops.constantFromValue(table, a), ops.constantFromValue(table, b)];
      const [wideX, wideY] = [ops.broadcastTo(x, [...joined, m, k]), ops.broadcastTo(y, [...joined, k, n])];
      const [p, q] = [value(wideX).data, value(wideY).data];
      const want = Array.from({ length: sizeOf(joined) * m * n }, (_, at) => {
        const [s, i, j] = [Math.floor(at / (m * n)), Math.floor(at / n) % m, at % n];
        return Array.from({ length: k }, (_, l) => p[(s * m + i) * k + l]! * q[(s * k + l) * n + j]!).reduce(
          (sum, z) => sum + z,
          0,
        );
      });
      const type = { dtype: "f32" as const, shape: [...joined, m, n] };
      const turned = ops.transpose(y, [...right.map((_, axis) => axis), right.length + 1, right.length]);
      expectClose(value(ops.matmul(x, y)), toValue(type, want), 0);
      expectClose(value(ops.matmul(x, turned, { transposeB: true })), toValue(type, want), 0);
    }),
  );
});

test("sums run in f64 and round once", () => {
  const a = of([1, 4], 2 ** 24, 1, 1, -(2 ** 24));
  expect(numbersOf(value(ops.matmul(a, of([4, 1], 1, 1, 1, 1))))).toEqual([2]);
  expect(numbersOf(value(ops.matmul(a, of([1, 4], 1, 1, 1, 1), { transposeB: true })))).toEqual([2]);
});

test("shapes and dtypes that do not fit", () => {
  const a = of([2, 3], 1, 2, 3, 4, 5, 6);
  expect(() => ops.matmul(a, a)).toThrow("matmul(f32[2,3], f32[2,3]): the inner sizes 3 and 2 differ");
  expect(() => ops.matmul(a, of([3], 1, 2, 3))).toThrow("takes matrices");
  expect(() => ops.matmul(a, ops.cast(a, "f16"))).toThrow("takes f32; cast stored weights first");
});
