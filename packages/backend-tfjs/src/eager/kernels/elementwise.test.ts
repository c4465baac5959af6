import * as ir from "@fusewire/ir";
import { test } from "vitest";
import { expectKernel } from "../../testing/agreement.ts";
import { arbitraryBroadcast, arbitraryShape, check, onEachBackend } from "../../testing/arbitrary.ts";
import { createEagerEngine } from "../index.ts";

const leaf = (tracer: ir.Tracer, name: string, shape: ir.Shape) =>
  tracer.param(name, ir.tensorType("f32", shape));
const positive = (x: ir.Node) => ir.add(ir.mul(x, x), 0.1);

onEachBackend(createEagerEngine, (engine) => {
  test.each([
    ["neg", ir.neg],
    ["exp", ir.exp],
    ["log", (x: ir.Node) => ir.log(positive(x))],
    ["sqrt", (x: ir.Node) => ir.sqrt(positive(x))],
    ["rsqrt", (x: ir.Node) => ir.rsqrt(positive(x))],
    ["tanh", ir.tanh],
    ["silu", ir.silu],
    ["relu", ir.relu],
    ["gelu_tanh", ir.geluTanh],
    ["silu of large numbers", (x: ir.Node) => ir.silu(ir.mul(x, 60))],
    ["not", (x: ir.Node) => ir.where(ir.not(ir.le(x, 0)), x, 2)],
  ])("%s", (_op, build) =>
    check(arbitraryShape({ maxRank: 5 }), (shape, seed) =>
      expectKernel(engine(), (tracer) => build(leaf(tracer, "x", shape)), seed),
    ),
  );

  test.each([
    ["add", ir.add],
    ["sub", ir.sub],
    ["mul", ir.mul],
    ["div", (a: ir.Node, b: ir.Node) => ir.div(a, positive(b))],
    ["max", ir.max],
    ["min", ir.min],
    ["lt", ir.lt],
    ["le", ir.le],
    ["eq", (a: ir.Node, b: ir.Node) => ir.or(ir.eq(a, ir.add(b, 0)), ir.eq(a, a))],
    ["and", (a: ir.Node, b: ir.Node) => ir.and(ir.le(a, 0.5), ir.le(b, 0.5))],
    ["or", (a: ir.Node, b: ir.Node) => ir.or(ir.le(a, 0), ir.le(b, 0))],
  ])("%s broadcasts either operand", (_op, build) =>
    check(arbitraryBroadcast({ maxRank: 5 }), async ([large, small], seed) => {
      await expectKernel(engine(), (t) => build(leaf(t, "a", large), leaf(t, "b", small)), seed);
      await expectKernel(engine(), (t) => build(leaf(t, "a", small), leaf(t, "b", large)), seed);
    }),
  );

  test("where broadcasts its condition and its branches", () =>
    check(arbitraryBroadcast(), async ([large, small], seed) => {
      const condition = (t: ir.Tracer, shape: ir.Shape, name = "c") => ir.le(leaf(t, name, shape), 0);
      for (const [c, a, b] of [
        [large, small, small],
        [small, large, small],
        [small, small, large],
      ] as const)
        await expectKernel(
          engine(),
          (t) => ir.where(condition(t, c), leaf(t, "a", a), leaf(t, "b", b)),
          seed,
        );
      await expectKernel(
        engine(),
        (t) => ir.where(condition(t, small), leaf(t, "a", large), Number.NEGATIVE_INFINITY),
        seed,
      );
      await expectKernel(
        engine(),
        (t) => ir.where(condition(t, large), condition(t, large, "a"), condition(t, small, "b")),
        seed,
      );
    }));

  test.each(["i32", "u32", "i8", "u8", "f16", "bf16", "bool"] as const)("cast from %s", (dtype) =>
    check(arbitraryShape(), (shape, seed) =>
      expectKernel(
        engine(),
        (t) => {
          const x = t.param("x", ir.tensorType(dtype, shape));
          return ir.add(ir.cast(x, "f32"), ir.cast(t.input("y", x.type), "f32"));
        },
        seed,
      ),
    ),
  );

  test.each(["i32", "u32", "i8", "u8", "f16", "bf16"] as const)("cast to %s and back", (dtype) =>
    check(arbitraryShape(), (shape, seed) =>
      expectKernel(engine(), (t) => ir.cast(ir.cast(leaf(t, "x", shape), dtype), "f32"), seed),
    ),
  );
});
