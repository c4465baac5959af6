import { expect, test } from "vitest";
import { evaluate } from "../interpret.ts";
import type { Node } from "../node.ts";
import { NodeTable } from "../table.ts";
import { numbersOf } from "../value.ts";
import * as ops from "./index.ts";

const table = new NodeTable();
const run = (node: Node) => numbersOf(evaluate([node], {}).get(node)!);
const floats = (shape: readonly number[], ...numbers: number[]) => ops.constant(table, numbers, "f32", shape);
const ints = (...numbers: number[]) => ops.constant(table, numbers, "i32", [numbers.length]);
const out = Number.NEGATIVE_INFINITY;

test("top_k keeps the k largest and what ties with the last of them", () => {
  const rows = floats([4, 4], ...[1, 3, 2, 0], ...[1, 2, 2, 0], ...[1, 3, 2, 0], ...[1, 3, 2, 0]);
  expect(run(ops.topK(rows, ints(2, 1, 0, 9)))).toEqual([
    ...[out, 3, 2, out],
    ...[out, 2, 2, out],
    ...[1, 3, 2, 0],
    ...[1, 3, 2, 0],
  ]);
  expect(run(ops.topK(floats([1, 4], 1, 3, 2, 0), ints(1), 3))).toEqual([1, 3, 2, out]);
});

test("a NaN stands above all scores, and nothing is below it", () => {
  // TopKLogitsWarper and TopPLogitsWarper of transformers 5.24.
  const [first, last] = [floats([1, 3], Number.NaN, 1, 2), floats([1, 3], 1, 2, Number.NaN)];
  for (const filtered of [ops.topK(first, ints(1)), ops.topP(first, floats([1], 0.5))])
    expect(run(filtered)).toEqual([Number.NaN, 1, 2]);
  for (const filtered of [ops.topK(last, ints(1)), ops.topP(last, floats([1], 0.5))])
    expect(run(filtered)).toEqual([1, 2, Number.NaN]);
  expect(run(ops.topK(first, ints(2)))).toEqual([Number.NaN, out, 2]);
});

test("top_p drops the tail whose probability is at most 1 - p", () => {
  const probabilities = [0.1, 0.5, 0.25, 0.15];
  const row = probabilities.map(Math.log);
  const kept = (p: number, keep = 1) =>
    run(ops.topP(floats([1, 4], ...row), floats([1], p), keep)).flatMap((score, id) =>
      score === out ? [] : [id],
    );
  expect(kept(0.99)).toEqual([0, 1, 2, 3]);
  expect(kept(0.8)).toEqual([1, 2, 3]);
  expect(kept(0.7)).toEqual([1, 2]);
  expect(kept(0.4)).toEqual([1]);
  expect(kept(0)).toEqual([1]);
  expect(kept(-1)).toEqual([1]);
  expect(kept(1)).toEqual([0, 1, 2, 3]);
  expect(kept(0, 3)).toEqual([1, 2, 3]);
});

test("top_p drops the lower id of equal scores first", () => {
  expect(run(ops.topP(floats([1, 4], 0, 0, 0, 0), floats([1], 0.5)))).toEqual([out, out, 0, 0]);
});

test("a filter must keep a score, and options come one a row", () => {
  const rows = floats([1, 3], 1, 2, 3);
  expect(() => ops.topK(rows, ints(1), 0)).toThrow("must keep at least one score");
  expect(() => ops.topP(rows, floats([1], 0.5), 0)).toThrow("must keep at least one score");
  expect(() => ops.topK(rows, ints(1, 2))).toThrow("takes one i32 a row of the scores");
  expect(() => ops.topP(rows, ints(1))).toThrow("takes one f32 a row of the scores");
  expect(() => ops.topK(floats([3], 1, 2, 3), ints(1))).toThrow("takes scores f32[B, V]");
});

test("categorical inverts the running sum in id order", () => {
  const row = [0.25, 0, 0.5, 0.25].map(Math.log);
  const us = [0, 0.24, 0.26, 0.74, 0.76, 1 - 2 ** -24, 1];
  const rows = floats([us.length, 4], ...us.flatMap(() => row));
  expect(run(ops.categorical(rows, floats([us.length], ...us)))).toEqual([0, 0, 2, 2, 3, 3, 3]);
});

test("categorical never draws what was dropped, at either end", () => {
  const rows = floats([3, 3], ...[out, 1, out], ...[out, 1, out], ...[out, out, out]);
  expect(run(ops.categorical(rows, floats([3], 0, 1, 0.5)))).toEqual([1, 1, 0]);
});

test("categorical draws with the probabilities of softmax", () => {
  const n = 4000;
  const seeds = ops.broadcastTo(ops.constant(table, 5, "u32"), [n]);
  const draws = ops.uniform(seeds, ops.iota(table, n), "choose");
  const rows = ops.broadcastTo(floats([1, 3], ...[0.6, 0.1, 0.3].map(Math.log)), [n, 3]);
  const ids = run(ops.categorical(rows, draws));
  const shares = [0, 1, 2].map((id) => ids.filter((drawn) => drawn === id).length / n);
  for (const [id, share] of [0.6, 0.1, 0.3].entries())
    expect(Math.abs(shares[id]! - share)).toBeLessThan(0.025);
});
