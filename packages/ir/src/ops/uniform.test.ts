import { expect, test } from "vitest";
import { evaluate } from "../interpret.ts";
import { NodeTable } from "../table.ts";
import { numbersOf } from "../value.ts";
import * as ops from "./index.ts";

/** The same function from its definition (PCG-RXS-M-XS-32), in exact integers. */
function hash(x: bigint): bigint {
  const u32 = (n: bigint) => BigInt.asUintN(32, n);
  const state = u32(x * 747796405n + 2891336453n);
  const word = u32(((state >> ((state >> 28n) + 4n)) ^ state) * 277803737n);
  return (word >> 22n) ^ word;
}

const expected = (seed: number, position: number, stream: ops.Stream): number => {
  const at = BigInt.asUintN(32, BigInt(position));
  return Number(hash(hash(hash(BigInt(seed)) ^ at) ^ BigInt(ops.STREAMS.indexOf(stream))) >> 8n) / 2 ** 24;
};

function drawn(seeds: readonly number[], positions: readonly number[], stream: ops.Stream): number[] {
  const table = new NodeTable();
  const shape = [seeds.length];
  const node = ops.uniform(
    ops.constant(table, seeds, "u32", shape),
    ops.constant(table, positions, "i32", shape),
    stream,
  );
  return numbersOf(evaluate([node], {}).get(node)!);
}

test("hash32 is the published function", () => {
  for (const x of [0, 1, 2, 42, 2 ** 31, 2 ** 32 - 1]) expect(ops.hash32(x)).toBe(Number(hash(BigInt(x))));
  expect([ops.hash32(0), ops.hash32(1), ops.hash32(2)]).toEqual([129708002, 2831084092, 2055130248]);
});

test("the same bits as the definition, for every stream, extreme seeds and negative positions", () => {
  const seeds = [0, 1, 42, 2 ** 31, 2 ** 32 - 1, 123456789];
  const positions = [0, 1, -1, 2 ** 31 - 1, -(2 ** 31), 77];
  for (const stream of ops.STREAMS)
    expect(drawn(seeds, positions, stream)).toEqual(
      seeds.map((seed, i) => expected(seed, positions[i]!, stream)),
    );
});

test("numbers are spread evenly, in each stream and along seeds and positions", () => {
  const n = 20000;
  const counting = Array.from({ length: n }, (_, i) => i);
  const zeros = counting.map(() => 0);
  for (const numbers of [drawn(zeros, counting, "choose"), drawn(counting, zeros, "accept")]) {
    expect(numbers.every((u) => u >= 0 && u < 1)).toBe(true);
    const buckets = new Array<number>(16).fill(0);
    for (const u of numbers) buckets[Math.floor(u * 16)]!++;
    const chiSquare = buckets.reduce((sum, count) => sum + (count - n / 16) ** 2 / (n / 16), 0);
    // 15 degrees of freedom: beyond 40 once in 2,000 random draws; these are fixed.
    expect(chiSquare).toBeLessThan(40);
    const pairs = numbers.slice(1).reduce((sum, u, i) => sum + (u - 0.5) * (numbers[i]! - 0.5), 0) / n;
    expect(Math.abs(pairs)).toBeLessThan(4 / 12 / Math.sqrt(n));
  }
});

test("streams differ, and unknown ones are refused", () => {
  const draws = ops.STREAMS.map((stream) => drawn([7], [3], stream)[0]);
  expect(new Set(draws).size).toBe(ops.STREAMS.length);
  expect(() => drawn([7], [3], "other" as ops.Stream)).toThrow("unknown stream 'other'");
});
