import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { DType } from "../dtype.ts";
import { evaluate } from "../interpret.ts";
import type { Node } from "../node.ts";
import { NodeTable } from "../table.ts";
import { randomValue } from "../testing/index.ts";
import { broadcastShapes, type Shape, sizeOf, stridesOf } from "../type.ts";
import { numbersOf } from "../value.ts";
import * as ops from "./index.ts";

const table = new NodeTable();
const of = (dtype: DType, ...numbers: number[]) => ops.constant(table, numbers, dtype, [numbers.length]);
const run = (node: Node) => numbersOf(evaluate([node], {}).get(node)!);
const { NaN: nan, POSITIVE_INFINITY: inf } = Number;

describe("meaning", () => {
  test.each([
    [
      "add",
      ops.add,
      [1.5, -3, inf, 0.1],
      [2, 1, -inf, 0.2],
      [3.5, -2, nan, Math.fround(0.1) + Math.fround(0.2)],
    ],
    ["sub", ops.sub, [1.5, -3, inf], [2, 1, inf], [-0.5, -4, nan]],
    ["mul", ops.mul, [1.5, -3, 0], [2, 1, inf], [3, -3, nan]],
    ["div", ops.div, [1, -3, 0, 1], [4, 0, 0, inf], [0.25, -inf, nan, 0]],
    ["max", ops.max, [-1, -3, nan, 2], [-2, -1, 1, -inf], [-1, -1, nan, 2]],
    ["min", ops.min, [1, 3, nan, 2], [2, 1, 1, inf], [1, 1, nan, 2]],
    ["eq", ops.eq, [1, 0, nan, inf], [1, -0, nan, inf], [1, 1, 0, 1]],
    ["lt", ops.lt, [1, 1, nan, -inf], [2, 1, 1, inf], [1, 0, 0, 1]],
    ["le", ops.le, [1, 1, nan, 2], [2, 1, 1, 1], [1, 1, 0, 0]],
  ] as const)("%s", (_name, op, a, b, want) => {
    expect(run(op(of("f32", ...a), of("f32", ...b)))).toEqual(want.map(Math.fround));
  });

  test("of one input", () => {
    expect(run(ops.neg(of("f32", 1, -2, inf)))).toEqual([-1, 2, -inf]);
    expect(run(ops.exp(of("f32", 0, 1, -inf)))).toEqual([1, Math.fround(Math.E), 0]);
    expect(run(ops.log(of("f32", 1, 0, -1)))).toEqual([0, -inf, nan]);
    expect(run(ops.sqrt(of("f32", 9, -1)))).toEqual([3, nan]);
    expect(run(ops.rsqrt(of("f32", 4, 0)))).toEqual([0.5, inf]);
    expect(run(ops.tanh(of("f32", 0, 100, -inf)))).toEqual([0, 1, -1]);
  });

  test("of truth values", () => {
    const [a, b] = [of("bool", 0, 0, 1, 1), of("bool", 0, 1, 0, 1)];
    expect(run(ops.and(a, b))).toEqual([0, 0, 0, 1]);
    expect(run(ops.or(a, b))).toEqual([0, 1, 1, 1]);
    expect(run(ops.not(a))).toEqual([1, 1, 0, 0]);
  });

  test("where takes a branch whole, also beside NaN and under a wide condition", () => {
    const condition = of("bool", 1, 0, 1);
    expect(run(ops.where(condition, of("f32", 1, 2, -inf), nan))).toEqual([1, nan, -inf]);
    expect(run(ops.where(condition, 7, of("i32", -1)))).toEqual([7, -1, 7]);
  });
});

test("a remainder has the sign of its divisor, and is 0 by 0", () => {
  expect(run(ops.mod(of("i32", 7, -1, -7, 6), of("i32", 3)))).toEqual([1, 2, 2, 0]);
  expect(run(ops.mod(of("i32", 7, -7, 5), of("i32", -3, -3, 0)))).toEqual([-2, -1, 0]);
  expect(run(ops.mod(of("i32", -(2 ** 31)), 2 ** 31 - 1))).toEqual([2 ** 31 - 2]);
});

test("integers wrap to 32 bits", () => {
  const most = 2 ** 31 - 1;
  const least = -(2 ** 31);
  expect(run(ops.add(of("i32", most, least), of("i32", 1, -1)))).toEqual([least, most]);
  expect(run(ops.sub(of("i32", least), 1))).toEqual([most]);
  expect(run(ops.mul(of("i32", 65536, 123456789), of("i32", 65537, 987654321)))).toEqual([65536, -67153019]);
  expect(run(ops.neg(of("i32", least, 5)))).toEqual([least, -5]);
  expect(run(ops.sub(of("u32", 0), 1))).toEqual([2 ** 32 - 1]);
  expect(run(ops.mul(of("u32", 2 ** 32 - 1, 2 ** 31), of("u32", 2 ** 32 - 1, 2)))).toEqual([1, 0]);
  expect(run(ops.lt(of("u32", 2 ** 31), of("u32", 1)))).toEqual([0]);
  expect(run(ops.max(of("u32", 2 ** 31), of("u32", 1)))).toEqual([2 ** 31]);
});

test.each([
  ["add", ops.add, (a: bigint, b: bigint) => a + b],
  ["sub", ops.sub, (a: bigint, b: bigint) => a - b],
  ["mul", ops.mul, (a: bigint, b: bigint) => a * b],
] as const)("integer %s is BigInt's modulo 2^32", (_name, op, exact) => {
  const word = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
  fc.assert(
    fc.property(word, word, (a, b) => {
      const signed = BigInt.asIntN(32, exact(BigInt(a), BigInt(b)));
      expect(run(op(of("i32", a), of("i32", b)))).toEqual([Number(signed)]);
      const unsigned = BigInt.asUintN(32, exact(BigInt(a >>> 0), BigInt(b >>> 0)));
      expect(run(op(of("u32", a >>> 0), of("u32", b >>> 0)))).toEqual([Number(unsigned)]);
    }),
  );
});

const shape = fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 4 });

/** The element of `own` that multi-index `i` of `full` reads, by NumPy's rule. */
function elementAt(own: Shape, full: Shape, i: number): number {
  const strides = stridesOf(own);
  const lead = full.length - own.length;
  return own.reduce((at, size, k) => {
    const index = Math.floor(i / stridesOf(full)[lead + k]!) % full[lead + k]!;
    return at + (size === 1 ? 0 : index) * strides[k]!;
  }, 0);
}

test("any two or three shapes that fit broadcast", () => {
  fc.assert(
    fc.property(shape, shape, shape, fc.nat(), (one, two, three, seed) => {
      const pair = broadcastShapes(one, two);
      const full = pair && broadcastShapes(pair, three);
      fc.pre(full !== undefined);
      const condition = randomValue({ dtype: "bool", shape: one }, seed);
      const a = randomValue({ dtype: "f32", shape: two }, seed + 1);
      const b = randomValue({ dtype: "f32", shape: three }, seed + 2);
      const node = ops.where(
        ...([condition, a, b].map((v) => ops.constantFromValue(table, v)) as [Node, Node, Node]),
      );
      expect(node.type.shape).toEqual(full);
      const want = Array.from({ length: sizeOf(full!) }, (_, i) =>
        condition.data[elementAt(one, full!, i)]
          ? a.data[elementAt(two, full!, i)]
          : b.data[elementAt(three, full!, i)],
      );
      expect(run(node)).toEqual(want);
      expect(run(ops.broadcastTo(ops.constantFromValue(table, a), full!))).toEqual(
        want.map((_, i) => a.data[elementAt(two, full!, i)]),
      );
    }),
    { numRuns: 300 },
  );
});

test("a wrong dtype or shape says what to do", () => {
  const [f, i] = [of("f32", 1, 2), of("i32", 1, 2)];
  expect(() => ops.add(f, i)).toThrow("add(f32[2], i32[2]): inputs have different dtypes; cast one of them");
  expect(() => ops.exp(i)).toThrow("exp(i32[2]): takes f32; cast i32 first");
  expect(() => ops.add(f, of("f32", 1, 2, 3))).toThrow("shapes [2] and [3] do not broadcast");
  expect(() => ops.where(f, f, f)).toThrow("the condition must be bool");
  expect(() => ops.div(i, 2)).toThrow("takes f32; cast i32 first");
});
