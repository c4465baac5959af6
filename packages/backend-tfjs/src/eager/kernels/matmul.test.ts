import * as ir from "@fusewire/ir";
import fc from "fast-check";
import { test } from "vitest";
import { expectKernel } from "../../testing/agreement.ts";
import { arbitraryBroadcast, arbitraryShape, check, onEachBackend } from "../../testing/arbitrary.ts";
import { createEagerEngine } from "../index.ts";

const leaf = (tracer: ir.Tracer, name: string, shape: ir.Shape) =>
  tracer.param(name, ir.tensorType("f32", shape));

/** Rows on both sides of where the wasm backend's stacks are cut into matrices. */
const sizes = fc.tuple(
  fc.constantFrom(1, 3, 31, 32, 40),
  fc.constantFrom(1, 2, 7, 65),
  fc.constantFrom(1, 5, 33),
);

onEachBackend(createEagerEngine, (engine) => {
  test.each([false, true])("stacks that broadcast, transposeB %s", (transposeB) =>
    check(
      fc.tuple(sizes, arbitraryBroadcast({ max: 3, maxRank: 3 })),
      async ([[m, k, n], [large, small]], seed) => {
        const right = transposeB ? [n, k] : [k, n];
        for (const [a, b] of [
          [large, small],
          [small, large],
        ] as const)
          await expectKernel(
            engine(),
            (t) =>
              ir.matmul(ir.mul(leaf(t, "a", [...a, m, k]), 1), ir.mul(leaf(t, "b", [...b, ...right]), 1), {
                transposeB,
              }),
            seed,
          );
      },
    ),
  );

  test("stacks of which each broadcasts over the other", () =>
    check(sizes, ([m, k, n], seed) =>
      expectKernel(
        engine(),
        (t) => ir.matmul(leaf(t, "a", [2, 1, m, k]), leaf(t, "b", [3, n, k]), { transposeB: true }),
        seed,
      ),
    ));

  test("a weight that products and gathers share, and one that is read in other ways too", () =>
    check(fc.tuple(sizes, arbitraryShape({ maxRank: 2 })), async ([[m, k, n], lead], seed) => {
      const parts = (t: ir.Tracer) => {
        const weight = leaf(t, "w", [n, k]);
        const embedded = ir.gather(weight, t.input("ids", ir.tensorType("i32", [...lead, m])));
        return { weight, logits: ir.matmul(embedded, weight, { transposeB: true }) };
      };
      await expectKernel(engine(), (t) => parts(t).logits, seed);
      await expectKernel(
        engine(),
        (t) => ir.add(parts(t).logits, ir.reduceMax(ir.reduceMax(parts(t).weight, 0))),
        seed,
      );
    }));
});
