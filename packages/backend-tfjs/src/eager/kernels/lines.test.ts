/** Kernels that work line by line. */
import * as ir from "@fusewire/ir";
import fc from "fast-check";
import { expect, test } from "vitest";
import { computeWith, expectKernel } from "../../testing/agreement.ts";
import { arbitraryShape, check, onEachBackend } from "../../testing/arbitrary.ts";
import { createEagerEngine } from "../index.ts";

const leaf = (tracer: ir.Tracer, name: string, shape: ir.Shape) =>
  tracer.param(name, ir.tensorType("f32", shape));

const withAxis = (shape: ir.Shape) => fc.tuple(fc.constant(shape), fc.nat(shape.length - 1));

const INF = Number.POSITIVE_INFINITY;

onEachBackend(createEagerEngine, (engine) => {
  test.each([
    ["reduce_sum", ir.reduceSum],
    ["reduce_max", ir.reduceMax],
    ["cumsum", ir.cumsum],
    ["argmax", ir.argmax],
  ])("%s along any axis", (_op, build) =>
    check(arbitraryShape({ minRank: 1, max: 9 }).chain(withAxis), ([shape, axis], seed) =>
      expectKernel(engine(), (t) => build(leaf(t, "x", shape), axis), seed),
    ),
  );

  test("softmax", () =>
    check(arbitraryShape({ minRank: 1, max: 40, maxRank: 3 }), (shape, seed) =>
      expectKernel(engine(), (t) => ir.softmax(ir.mul(leaf(t, "x", shape), 20)), seed),
    ));

  test("rms_norm", () =>
    check(arbitraryShape({ minRank: 1, max: 40, maxRank: 3 }), (shape, seed) =>
      expectKernel(
        engine(),
        (t) => ir.rmsNorm(leaf(t, "x", shape), leaf(t, "w", shape.slice(-1)), 1e-5),
        seed,
      ),
    ));

  test("layer_norm", () =>
    check(arbitraryShape({ minRank: 1, max: 40, maxRank: 3 }), (shape, seed) =>
      expectKernel(
        engine(),
        (t) => {
          const [weight, bias] = ["weight", "bias"].map((name) => leaf(t, name, shape.slice(-1)));
          // A small variance would make rounding of the mean count.
          return ir.layerNorm(leaf(t, "x", shape), weight!, bias!, 0.1);
        },
        seed,
      ),
    ));

  test("rotary", () =>
    check(fc.tuple(...[3, 3, 7, 9].map((max) => fc.integer({ min: 1, max }))), ([b, heads, t, half], seed) =>
      expectKernel(
        engine(),
        (tracer) => {
          const [cos, sin] = ["cos", "sin"].map((name) => leaf(tracer, name, [b!, t!, half!]));
          return ir.rotary(leaf(tracer, "x", [b!, heads!, t!, 2 * half!]), cos!, sin!);
        },
        seed,
      ),
    ));

  test.each([true, false])("argsort keeps the order of equal elements, descending %s", (descending) =>
    check(arbitraryShape({ minRank: 1, max: 60, maxRank: 2 }), (shape, seed) =>
      expectKernel(
        engine(),
        (t) => {
          // Rounded to few levels, so that most elements have equals.
          const levels = ir.cast(ir.cast(ir.mul(leaf(t, "x", shape), 3), "i32"), "f32");
          return ir.argsort(ir.add(levels, ir.mul(leaf(t, "x", shape), 0)), descending);
        },
        seed,
      ),
    ),
  );

  test("argmax takes the first of equals and never NaN", async () => {
    const rows = [
      [1, 5, 5, 2],
      [-INF, -INF, -INF, -INF],
      [Number.NaN, 1, 2, 2],
      [1, Number.NaN, 0, 1],
      [-INF, -3, INF, INF],
    ];
    const x = ir.toValue(ir.tensorType("f32", [5, 4]), rows.flat());
    const found = await computeWith(engine(), (t) => ir.argmax(leaf(t, "x", [5, 4])), { params: { x } });
    expect([...found.data]).toEqual([1, 0, 2, 0, 2]);
  });

  test("softmax gives 0 for -inf, and NaN for a line of nothing else", async () => {
    const x = ir.toValue(ir.tensorType("f32", [2, 3]), [-INF, 0, 0, -INF, -INF, -INF]);
    const found = await computeWith(engine(), (t) => ir.softmax(leaf(t, "x", [2, 3])), { params: { x } });
    expect([...found.data]).toEqual([0, 0.5, 0.5, Number.NaN, Number.NaN, Number.NaN]);
  });
});
