/** What reads and writes caches: rows, slots and runs of every kind. */
import * as ir from "@fusewire/ir";
import { CACHE_DTYPES, storedCache } from "@fusewire/ir/testing";
import { toLowered } from "@fusewire/passes";
import fc from "fast-check";
import { expect, test } from "vitest";
import { computeWith, expectAgreement, TOLERANCE } from "../../testing/agreement.ts";
import { check } from "../../testing/arbitrary.ts";
import { expectOutputs } from "../../testing/outputs.ts";
import { onEachVariant, VARIANTS } from "../../testing/webgpu.ts";
import { planStep } from "./index.ts";

const i32 = (...shape: number[]) => ir.tensorType("i32", shape);
const noWeights = async (): Promise<ir.Value> => Promise.reject(new Error("there are no weights"));
const upTo = (max: number) => fc.integer({ min: 1, max });

const writes = fc.record({
  batch: upTo(3),
  extra: fc.nat(2),
  heads: upTo(3),
  slots: upTo(9),
  entries: upTo(4),
  width: upTo(3),
  axis: fc.constantFrom(1, 2),
  ring: fc.boolean(),
});

const reads = fc.record({
  rows: fc.constantFrom([0], [2], [0, 1, 2], [1, 1], [0, 9, -4]),
  groups: upTo(3),
  repeat: upTo(3),
  length: fc.constantFrom(1, 2, 5, 35),
  slots: fc.constantFrom(1, 3, 8, 41, 150),
  width: fc.constantFrom(1, 4, 5, 16),
  valueWidth: fc.constantFrom(1, 4, 6),
  softcap: fc.constantFrom(0, 2),
  ring: fc.boolean(),
  dtype: fc.constantFrom(...CACHE_DTYPES),
});

/** Causal, sliding, whole, ragged with empty runs, and beyond both ends. */
const KINDS = {
  causal: (b: number, t: number) => [0, b + t],
  sliding: (b: number, t: number) => [b + t - 2, b + t],
  whole: (_b: number, _t: number, slots: number) => [0, slots - 1],
  ragged: (_b: number, t: number) => (t % 3 === 2 ? [t, t - 1] : [Math.floor(t / 2), t]),
  outside: (b: number, t: number, slots: number) => [-2 - t, slots + t - 2 * b],
} as const;

onEachVariant((engine) => {
  test.each(["f32", "bf16"] as const)("cache_write %s", (dtype) =>
    check(
      writes,
      async ({ batch, extra, heads, slots, entries, width, axis, ring }, seed) => {
        const along = (n: number) => (axis === 1 ? [n, heads, width] : [heads, n, width]);
        const module = ir.trace({
          write: (t) => {
            const cache = t.state("cache", ir.tensorType(dtype, [batch + extra, ...along(slots)]));
            const values = t.param("values", ir.tensorType(dtype, [batch, ...along(entries)]));
            const [rows, at, count] = ["rows", "at", "count"].map((name) => t.input(name, i32(batch)));
            t.write(
              "cache",
              ir.cacheWrite(cache, rows!, at!, count!, values, axis, ring && entries <= slots),
            );
            return { before: ir.cast(cache, "f32") };
          },
        });
        await expectAgreement(engine(), module, seed);
      },
      6,
    ),
  );

  test("append_heads", () =>
    check(
      writes,
      async ({ batch, extra, heads, slots, entries, width, ring }, seed) => {
        const d = 2 * width;
        for (const [dtype, turned] of [
          ["f32", true],
          ["f32", false],
          ["f16", true],
          ["f16", false],
        ] as const) {
          const module = ir.trace({
            write: (t) => {
              const f32 = (name: string, ...shape: number[]) => t.input(name, ir.tensorType("f32", shape));
              const cache = t.state("cache", ir.tensorType(dtype, [batch + extra, heads, slots, d]));
              const [rows, at, count] = ["rows", "at", "count"].map((name) => t.input(name, i32(batch)));
              const x = f32("x", batch, entries, heads * d + 5);
              const angles = {
                cos: f32("cos", batch, entries, width),
                sin: f32("sin", batch, entries, width),
              };
              const options = { ring: ring && entries <= slots, ...(turned && angles) };
              t.write("cache", ir.appendHeads(cache, rows!, at!, count!, x, 3, options));
              return {};
            },
          });
          // A turned element that lies between two f16 may be rounded to either.
          await expectAgreement(engine(), module, seed, { tolerance: dtype === "f16" ? 2e-3 : TOLERANCE });
        }
      },
      6,
    ));

  test("keys and values go into their caches in one launch", () =>
    check(
      writes,
      async ({ batch, extra, heads, slots, entries, width, ring }, seed) => {
        const d = 2 * width;
        const module = ir.trace({
          write: (t) => {
            const f32 = (name: string, ...shape: number[]) => t.input(name, ir.tensorType("f32", shape));
            const caches = ["keys", "values"].map((name) =>
              t.state(name, ir.tensorType(width > 1 ? "f16" : "f32", [batch + extra, heads, slots, d])),
            );
            const [rows, at, count] = ["rows", "at", "count"].map((name) => t.input(name, i32(batch)));
            const x = f32("x", batch, entries, 2 * heads * d);
            const angles = { cos: f32("cos", batch, entries, width), sin: f32("sin", batch, entries, width) };
            const wraps = { ring: ring && entries <= slots };
            t.write("keys", ir.appendHeads(caches[0]!, rows!, at!, count!, x, 0, { ...wraps, ...angles }));
            t.write("values", ir.appendHeads(caches[1]!, rows!, at!, count!, x, heads * d, wraps));
            return {};
          },
        });
        await expectAgreement(engine(), module, seed, { tolerance: 2e-3 });
        const executable = await engine().compile(toLowered(module), engine().createWeights(noWeights));
        expect(executable.launches).toBe(1);
        executable.dispose();
      },
      4,
    ));

  test.each(Object.entries(KINDS))("attention over runs that are %s", (_kind, runOf) =>
    check(
      reads,
      ({ rows, groups, repeat, length, slots, width, valueWidth, softcap, ring, dtype }, seed) =>
        expectOutputs(
          engine(),
          (t) => {
            const f32 = (name: string, ...shape: number[]) => t.param(name, ir.tensorType("f32", shape));
            const runs = rows.flatMap((_, b) => Array.from({ length }, (_, k) => runOf(b, k, slots)));
            const bound = (side: 0 | 1) =>
              ir.constant(
                t.table,
                runs.map((run) => run[side]!),
                "i32",
                [rows.length, length],
              );
            const keys = storedCache(t, "keys", dtype, [3, groups, slots, width]);
            const values = storedCache(t, "values", dtype, [3, groups, slots, valueWidth]);
            return {
              y: ir.attention(
                f32("q", rows.length, groups * repeat, length, width),
                keys.cache,
                values.cache,
                ir.constant(t.table, rows, "i32", [rows.length]),
                bound(0),
                bound(1),
                { scale: 0.7, softcap, ring, scales: [...keys.scales, ...values.scales] },
              ),
            };
          },
          seed,
        ),
      3,
    ),
  );

  test("a prompt's queries over several pieces of keys", () =>
    check(
      fc.constant(0),
      (_, seed) =>
        expectOutputs(
          engine(),
          (t) => {
            const f32 = (name: string, ...shape: number[]) => t.param(name, ir.tensorType("f32", shape));
            const bounds = (of: (k: number) => number) =>
              ir.constant(
                t.table,
                Array.from({ length: 35 }, (_, k) => of(k)),
                "i32",
                [1, 35],
              );
            const [q, keys, values] = [
              f32("q", 1, 2, 35, 4),
              f32("k", 1, 1, 200, 4),
              f32("v", 1, 1, 200, 70),
            ];
            const runs = [bounds((k) => 5 * k), bounds((k) => 5 * k + 30)] as const;
            const row = ir.constant(t.table, 0, "i32", [1]);
            return {
              whole: ir.attention(
                q,
                keys,
                values,
                row,
                bounds(() => -3),
                bounds(() => 220),
                { scale: 2 },
              ),
              window: ir.attention(q, keys, values, row, ...runs, { scale: 2, softcap: 3 }),
              ring: ir.attention(q, keys, values, row, ...runs, { scale: 2, ring: true }),
            };
          },
          seed,
        ),
      2,
    ));

  test.each([
    ["one query", 1],
    ["a prompt", 40],
  ])("attention of %s has the same bits at any capacity and beside any row", async (_what, length) => {
    const [heads, groups, d] = [4, 2, 8];
    const value = (shape: ir.Shape, at: (i: number) => number) =>
      ir.toValue(
        ir.tensorType("f32", shape),
        Array.from({ length: ir.sizeOf(shape) }, (_, i) => ir.hash32(at(i)) / 2 ** 31 - 1),
      );
    /** Element i of a cache row of any capacity: the same for the same group, slot and column. */
    const cacheAt = (slots: number, salt: number) => (i: number) =>
      Math.floor(i / d / slots) * 100_003 + (i % (slots * d)) + salt;
    const run = async (batch: number, slots: number) => {
      const params = {
        q: value([batch, heads, length, d], (i) => i % (heads * length * d)),
        keys: value([1, groups, slots, d], cacheAt(slots, 1)),
        values: value([1, groups, slots, d], cacheAt(slots, 2)),
      };
      const found = await computeWith(
        engine(),
        (t) => {
          const [q, keys, values] = (["q", "keys", "values"] as const).map((name) =>
            t.param(name, params[name].type),
          );
          const bounds = (of: (k: number) => number) =>
            ir.constant(
              t.table,
              Array.from({ length: batch * length }, (_, k) => of(k % length)),
              "i32",
              [batch, length],
            );
          const rows = ir.constant(t.table, 0, "i32", [batch]);
          return ir.attention(
            q!,
            keys!,
            values!,
            rows,
            bounds(() => 3),
            bounds((k) => 90 + k),
            { scale: 0.3 },
          );
        },
        { params },
      );
      return found.data.slice(0, heads * length * d);
    };
    const alone = await run(1, 131);
    expect(await run(2, 131)).toEqual(alone);
    expect(await run(3, 260)).toEqual(alone);
  });
});

test("scratch memory of attention grows with the cache, not with its square; prompts take none", () => {
  const step = (length: number, slots: number) => ({
    reads: [
      ir.tensorType("f32", [1, 8, length, 64]),
      ...[0, 1].map(() => ir.tensorType("f32", [1, 4, slots, 64])),
      i32(1),
      i32(1, length),
      i32(1, length),
    ],
    write: ir.tensorType("f32", [1, 8, length, 64]),
    attrs: { scale: 1, softcap: 0, ring: false },
    rows: "few" as const,
  });
  const bytes = (length: number, slots: number) =>
    (planStep("attention", step(length, slots), VARIANTS["a workgroup a line"]!).scratch ?? []).reduce(
      (sum, n) => sum + n,
      0,
    );
  expect(bytes(1, 8192)).toBe(2 * bytes(1, 4096));
  expect(bytes(256, 8192)).toBe(0);
});
