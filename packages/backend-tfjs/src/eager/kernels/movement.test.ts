import * as ir from "@fusewire/ir";
import fc from "fast-check";
import { test } from "vitest";
import { expectKernel } from "../../testing/agreement.ts";
import { arbitraryBroadcast, arbitraryShape, check, onEachBackend } from "../../testing/arbitrary.ts";
import { createEagerEngine } from "../index.ts";

const shuffled = (shape: ir.Shape) =>
  fc.shuffledSubarray([...shape.keys()], { minLength: shape.length }).map((perm) => ({ shape, perm }));

const windows = (shape: ir.Shape) =>
  fc
    .tuple(
      ...shape.map((d) =>
        fc.nat(d - 1).chain((start) => fc.tuple(fc.constant(start), fc.integer({ min: 1, max: d - start }))),
      ),
    )
    .map((cuts) => ({ shape, starts: cuts.map(([start]) => start), sizes: cuts.map(([, size]) => size) }));

onEachBackend(createEagerEngine, (engine) => {
  // f16 and bf16 are held as f32, bools as bools; all of them move on tfjs.
  describeMoves("f32");
  describeMoves("bf16");
  describeMoves("bool");

  function describeMoves(dtype: ir.DType): void {
    /** In tfjs and, for bool, made there. */
    const source = (t: ir.Tracer, shape: ir.Shape, name = "x") =>
      dtype === "bool"
        ? ir.le(t.param(name, ir.tensorType("f32", shape)), 0)
        : t.param(name, ir.tensorType(dtype, shape));

    test(`transpose ${dtype}`, () =>
      check(arbitraryShape({ minRank: 1, maxRank: 5 }).chain(shuffled), ({ shape, perm }, seed) =>
        expectKernel(engine(), (t) => ir.transpose(source(t, shape), perm), seed),
      ));

    test(`slice ${dtype}`, () =>
      check(arbitraryShape({ minRank: 1, maxRank: 5 }).chain(windows), ({ shape, starts, sizes }, seed) =>
        expectKernel(engine(), (t) => ir.slice(source(t, shape), starts, sizes), seed),
      ));

    test(`reshape and broadcast_to ${dtype}`, () =>
      check(arbitraryBroadcast({ minRank: 1, maxRank: 5 }), async ([large, small], seed) => {
        await expectKernel(engine(), (t) => ir.broadcastTo(source(t, small), large), seed);
        await expectKernel(engine(), (t) => ir.reshape(source(t, large), [-1, 1]), seed);
      }));

    test(`concat ${dtype}`, () =>
      check(
        arbitraryShape({ minRank: 1 }).chain((shape) =>
          fc.tuple(fc.constant(shape), fc.nat(shape.length - 1)),
        ),
        ([shape, axis], seed) =>
          expectKernel(
            engine(),
            (t) => {
              const longer = shape.map((d, k) => (k === axis ? d + 2 : d));
              return ir.concat([source(t, shape, "a"), source(t, longer, "b"), source(t, shape, "a")], axis);
            },
            seed,
          ),
      ));

    // Indices of `randomEnvironment` lie in -1..5, so that some are out of range.
    test(`gather ${dtype} with and without batch axes, clamping indices`, () =>
      check(
        fc.tuple(
          arbitraryShape({ minRank: 1, maxRank: 2 }),
          fc.integer({ min: 1, max: 6 }),
          arbitraryShape({ maxRank: 2 }),
        ),
        async ([ids, n, rest], seed) => {
          const index = (t: ir.Tracer) => t.input("ids", ir.tensorType("i32", ids));
          for (const batch of ids.keys())
            await expectKernel(
              engine(),
              (t) => ir.gather(source(t, [...ids.slice(0, batch), n, ...rest]), index(t), batch),
              seed,
            );
          await expectKernel(
            engine(),
            (t) => ir.gather(source(t, [...ids, n, ...rest]), index(t), ids.length),
            seed,
          );
        },
      ));
  }
});
