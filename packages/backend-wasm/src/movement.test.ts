import * as ops from "@fusewire/ir";
import { trace } from "@fusewire/ir";
import { expectAgreement, expectKernel } from "@fusewire/passes/testing";
import fc from "fast-check";
import { test } from "vitest";
import { arbitraryBroadcast, arbitraryShape, check, onEachVariant, size } from "./testing/arbitrary.ts";

const dtypes = fc.constantFrom(...ops.DTYPES);

onEachVariant((engine) => {
  test("transpose, of every dtype", () =>
    check(fc.tuple(arbitraryShape({ minRank: 1 }), dtypes, fc.nat()), ([shape, dtype, turn], seed) => {
      const order = shape.map((_, k) => k);
      for (let k = order.length - 1; k > 0; k--) {
        const other = (turn >> k) % (k + 1);
        [order[k], order[other]] = [order[other]!, order[k]!];
      }
      return expectKernel(engine(), (t) => ops.transpose(t.input("x", { dtype, shape }), order), seed);
    }));

  test("broadcast_to", () =>
    check(fc.tuple(arbitraryBroadcast(), dtypes), ([[to, from], dtype], seed) =>
      expectKernel(engine(), (t) => ops.broadcastTo(t.input("x", { dtype, shape: from }), to), seed),
    ));

  test("slice and concat", () =>
    check(
      fc.tuple(arbitraryShape({ minRank: 1 }), dtypes, fc.nat(), fc.nat()),
      ([shape, dtype, a, b], seed) =>
        expectKernel(
          engine(),
          (t) => {
            const axis = a % shape.length;
            const x = t.input("x", { dtype, shape });
            const y = t.input("y", { dtype, shape });
            const start = b % shape[axis]!;
            return ops.concat([y, ops.sliceAxis(x, axis, start, shape[axis]! - start), x], axis);
          },
          seed,
        ),
    ));

  test("gather with and without batches, ids out of range", () =>
    check(fc.tuple(size(5), size(6), size(9), size(7), dtypes), ([batch, n, width, count, dtype], seed) =>
      expectKernel(
        engine(),
        (t) => {
          const x = t.input("x", { dtype, shape: [batch, n, width] });
          const index = t.input("ids", { dtype: "i32", shape: [batch, count] });
          return seed % 2 ? ops.gather(x, index, 1) : ops.gather(x, index);
        },
        seed,
      ),
    ));

  test("cache_write, flat and as a ring, outside rows and slots", () =>
    check(fc.tuple(size(3), size(3), size(6), size(5), size(4), fc.boolean()), (sizes, seed) => {
      const [batch, heads, slots, length, width, ring] = sizes;
      if (ring && length > slots) return Promise.resolve();
      const module = trace({
        write: (t) => {
          const vector = (name: string) => t.input(name, { dtype: "i32", shape: [batch] });
          const cache = t.state("cache", { dtype: "f32", shape: [batch + 1, heads, slots, width] });
          const values = t.input("x", { dtype: "f32", shape: [batch, heads, length, width] });
          const [rows, at, count] = ["rows", "at", "count"].map(vector);
          t.write("cache", ops.cacheWrite(cache, rows!, at!, count!, values, 2, ring));
          return {};
        },
      });
      return expectAgreement(engine(), module, seed);
    }));
});
