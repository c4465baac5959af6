/** Attention of prompts: many queries that read keys together. */
import * as ir from "@fusewire/ir";
import fc from "fast-check";
import { expect, test } from "vitest";
import { computeWith } from "../../testing/agreement.ts";
import { check } from "../../testing/arbitrary.ts";
import { expectOutputs } from "../../testing/outputs.ts";
import { onEachVariant } from "../../testing/webgpu.ts";

/** Queries t = 0, 1, … at places from `start` on: what they see of the keys. */
const RUNS = {
  causal: (place: number) => [0, place],
  window: (place: number) => [place - 20, place],
  /** Segments of 19 tokens that do not see each other. */
  packed: (place: number) => [place - (place % 19), place],
} as const;

const prompts = fc.record({
  length: fc.constantFrom(3, 33, 41),
  start: fc.constantFrom(0, 29, 64),
  groups: fc.constantFrom(1, 2),
  repeat: fc.constantFrom(1, 3),
  width: fc.constantFrom(16, 80, 256),
  softcap: fc.constantFrom(0, 2),
  kind: fc.constantFrom(...(Object.keys(RUNS) as (keyof typeof RUNS)[])),
});

onEachVariant((engine) => {
  test("chunks: causal, windows, packed texts, grouped heads, any width", () =>
    check(
      prompts,
      ({ length, start, groups, repeat, width, softcap, kind }, seed) =>
        expectOutputs(
          engine(),
          (t) => {
            const f32 = (name: string, ...shape: number[]) => t.param(name, ir.tensorType("f32", shape));
            const bound = (side: 0 | 1) => {
              const bounds = Array.from({ length }, (_, k) => RUNS[kind](start + k)[side]!);
              return ir.constant(t.table, bounds, "i32", [1, length]);
            };
            const [q, keys, values] = [
              f32("q", 1, groups * repeat, length, width),
              f32("keys", 2, groups, 110, width),
              f32("values", 2, groups, 110, width),
            ];
            const row = ir.constant(t.table, 1, "i32", [1]);
            const [lo, hi] = [bound(0), bound(1)];
            return { y: ir.attention(q, keys, values, row, lo, hi, { scale: 1 / width, softcap }) };
          },
          seed,
          undefined,
          "chunk",
        ),
      3,
    ));

  test("what no query sees is never read, and where a chunk begins changes no bit", async () => {
    const [heads, d, slots, length] = [2, 16, 400, 40];
    const numbers = (shape: ir.Shape, salt: number, at = (i: number) => ir.hash32(i ^ salt) / 2 ** 31 - 1) =>
      ir.toValue(
        ir.tensorType("f32", shape),
        Array.from({ length: ir.sizeOf(shape) }, (_, i) => at(i)),
      );
    /** Not a number but for the keys 130 to 129 + length: a single one that is read shows in the result. */
    const cache = (salt: number) =>
      numbers([1, 1, slots, d], salt, (i) => {
        const j = Math.floor(i / d);
        return j < 130 || j >= 130 + length ? Number.NaN : ir.hash32(i ^ salt) / 2 ** 31 - 1;
      });
    const q = numbers([1, heads, length, d], 3);
    const run = async (from: number, to: number) => {
      const size = to - from;
      const part = Array.from({ length: heads }, (_, h) => [
        ...q.data.subarray((h * length + from) * d, (h * length + to) * d),
      ]);
      const params = {
        q: ir.toValue(ir.tensorType("f32", [1, heads, size, d]), part.flat()),
        keys: cache(1),
        values: cache(2),
      };
      const { data } = await computeWith(
        engine(),
        (t) => {
          const bound = (of: (k: number) => number) =>
            ir.constant(
              t.table,
              Array.from({ length: size }, (_, k) => of(from + k)),
              "i32",
              [1, size],
            );
          const [query, keys, values] = (["q", "keys", "values"] as const).map((name) =>
            t.param(name, params[name].type),
          );
          const row = ir.constant(t.table, 0, "i32", [1]);
          return ir.attention(
            query!,
            keys!,
            values!,
            row,
            bound(() => 130),
            bound((k) => 130 + k),
            { scale: 0.3 },
          );
        },
        { params, rows: "chunk" },
      );
      return Array.from({ length: heads }, (_, h) => [...data.subarray(h * size * d, (h + 1) * size * d)]);
    };
    const [whole, first, second] = [await run(0, length), await run(0, 33), await run(33, length)];
    expect(whole.flat()).not.toContain(Number.NaN);
    expect(whole).toEqual(first.map((head, h) => [...head, ...second[h]!]));
  });
});
