/** What reads and writes caches: rows, slots and runs of every kind. */
import * as ir from "@fusewire/ir";
import { CACHE_DTYPES, storedCache } from "@fusewire/ir/testing";
import fc from "fast-check";
import { test } from "vitest";
import { expectAgreement, expectKernel, TOLERANCE } from "../../testing/agreement.ts";
import { check, onEachBackend } from "../../testing/arbitrary.ts";
import { createEagerEngine } from "../index.ts";

const f32 = (...shape: number[]) => ir.tensorType("f32", shape);
const i32 = (...shape: number[]) => ir.tensorType("i32", shape);
const upTo = (max: number) => fc.integer({ min: 1, max });

/** Rows of a batch in a cache: in order, out of order, or two times the same. */
const arbitraryRows = fc.constantFrom([0], [2], [0, 1, 2], [1, 2], [2, 0], [1, 1], [0, 9, -4]);

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
  rows: arbitraryRows,
  groups: upTo(3),
  repeat: upTo(3),
  length: fc.constantFrom(1, 2, 5, 33),
  slots: fc.constantFrom(1, 3, 8, 41),
  width: fc.constantFrom(1, 4, 5),
  valueWidth: fc.constantFrom(1, 4, 6),
  softcap: fc.constantFrom(0, 2),
  ring: fc.boolean(),
  dtype: fc.constantFrom(...CACHE_DTYPES),
});

/** Causal, sliding, whole, ragged with empty runs, and beyond both ends. */
const KINDS = ["causal", "sliding", "whole", "ragged", "outside", "long past"] as const;

function runOf(kind: (typeof KINDS)[number], b: number, t: number, slots: number): [number, number] {
  switch (kind) {
    case "causal":
      return [0, b + t];
    case "sliding":
      return [b + t - 2, b + t];
    case "whole":
      return [0, slots - 1];
    case "ragged":
      return t % 3 === 2 ? [t, t - 1] : [Math.floor(t / 2), t];
    case "long past":
      return [b + t + 50, b + t + 50 + Math.min(3, slots - 1)];
    case "outside":
      return [-2 - t, slots + t - 2 * b];
  }
}

onEachBackend(createEagerEngine, (engine) => {
  // at and count of `randomEnvironment` lie in -1..5: some entries fall outside the slots, some rows write nothing.
  test.each(["f32", "bf16"] as const)("cache_write %s", (dtype) =>
    check(writes, async ({ batch, extra, heads, slots, entries, width, axis, ring }, seed) => {
      const along = (n: number) => (axis === 1 ? [n, heads, width] : [heads, n, width]);
      const module = ir.trace({
        write: (t) => {
          const cache = t.state("cache", ir.tensorType(dtype, [batch + extra, ...along(slots)]));
          const values = t.param("values", ir.tensorType(dtype, [batch, ...along(entries)]));
          const [rows, at, count] = ["rows", "at", "count"].map((name) => t.input(name, i32(batch)));
          t.write("cache", ir.cacheWrite(cache, rows!, at!, count!, values, axis, ring && entries <= slots));
          // The old value must survive the write, or a backend changed it in place.
          return { before: ir.cast(cache, "f32") };
        },
      });
      await expectAgreement(engine(), module, seed);
    }),
  );

  test("cache_write into no row", () =>
    check(fc.constant(0), (_, seed) =>
      expectKernel(
        engine(),
        (t) => {
          const nowhere = ir.constant(t.table, [7, -1], "i32", [2]);
          const one = ir.constant(t.table, [1, 1], "i32", [2]);
          return ir.cacheWrite(
            t.param("cache", f32(3, 4, 2)),
            nowhere,
            one,
            one,
            t.param("v", f32(2, 1, 2)),
            1,
          );
        },
        seed,
      ),
    ));

  test.each(KINDS)("attention over runs that are %s", (kind) =>
    check(
      reads,
      ({ rows, groups, repeat, length, slots, width, valueWidth, softcap, ring, dtype }, seed) =>
        expectKernel(
          engine(),
          (t) => {
            const batch = rows.length;
            const runs = rows.flatMap((_, b) => Array.from({ length }, (_, k) => runOf(kind, b, k, slots)));
            const bound = (side: 0 | 1) =>
              ir.constant(
                t.table,
                runs.map((run) => run[side]),
                "i32",
                [batch, length],
              );
            const keys = storedCache(t, "keys", dtype, [3, groups, slots, width]);
            const values = storedCache(t, "values", dtype, [3, groups, slots, valueWidth]);
            return ir.attention(
              t.param("q", f32(batch, groups * repeat, length, width)),
              keys.cache,
              values.cache,
              ir.constant(t.table, rows, "i32", [batch]),
              bound(0),
              bound(1),
              { scale: 0.7, softcap, ring, scales: [...keys.scales, ...values.scales] },
            );
          },
          seed,
          TOLERANCE,
        ),
      20,
    ),
  );
});
