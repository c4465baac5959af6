/** Weights in panels: products and rows picked from one copy, whole or not, of f32 or bf16. */
import * as ops from "@fusewire/ir";
import { trace, type Value } from "@fusewire/ir";
import { randomValue } from "@fusewire/ir/testing";
import { type Engine, lower } from "@fusewire/passes";
import { expectAgreement } from "@fusewire/passes/testing";
import fc from "fast-check";
import { expect, test } from "vitest";
import { check, onEachVariant, size } from "./testing/arbitrary.ts";

onEachVariant((engine) => {
  test("products over odd sizes, with every epilogue, and rows of the same weight", () =>
    check(
      fc.record({
        m: fc.oneof(size(9), fc.constantFrom(64, 67, 130)),
        n: fc.oneof(size(40), fc.constantFrom(16, 48, 97)),
        k: size(12).map((eights) => 8 * eights),
        dtype: fc.constantFrom("f32" as const, "bf16" as const),
        gated: fc.boolean(),
        bias: fc.boolean(),
        residual: fc.boolean(),
        joined: fc.boolean(),
      }),
      ({ m, n, k, dtype, gated, bias, residual, joined }, seed) => {
        const module = trace({
          product: (t) => {
            const weight = (name: string, rows: number) =>
              ops.cast(t.param(name, { dtype, shape: [rows, k] }), "f32");
            const rows = gated ? 2 * n : n;
            const w =
              joined && rows > 1
                ? ops.concat([weight("a", Math.ceil(rows / 2)), weight("b", Math.floor(rows / 2))], 0)
                : weight("a", rows);
            const x = t.input("x", { dtype: "f32", shape: [m, k] });
            const add = bias ? t.input("bias", { dtype: "f32", shape: [rows] }) : undefined;
            const rest = residual ? t.input("residual", { dtype: "f32", shape: [m, n] }) : undefined;
            return {
              y: gated
                ? ops.gatedLinear(x, w, "silu", add)
                : ops.linear(x, w, {
                    activation: "silu",
                    ...(add && { bias: add }),
                    ...(rest && { residual: rest }),
                  }),
              rows: ops.gather(w, t.input("ids", { dtype: "i32", shape: [3] })),
            };
          },
        });
        // Gated, the product of two sums, each with its own rounding.
        return expectAgreement(engine(), module, seed, { tolerance: gated ? 1e-3 : 2e-5 });
      },
      80,
    ));

  test("a row's bits depend on that row alone", () =>
    check(fc.tuple(fc.constantFrom(2, 4, 5, 7, 64, 70), size(40), size(9)), async ([m, n, eights], seed) => {
      const k = 8 * eights;
      const w = randomValue({ dtype: "bf16", shape: [n, k] }, seed);
      const x = randomValue({ dtype: "f32", shape: [m, k] }, seed + 1);
      const whole = await multiply(engine(), x, w);
      for (const row of [0, m >> 1, m - 1]) {
        const alone: Value = {
          type: { dtype: "f32", shape: [1, k] },
          data: x.data.slice(row * k, (row + 1) * k),
        };
        const { data } = await multiply(engine(), alone, w);
        expect([...data]).toEqual([...whole.data.slice(row * n, (row + 1) * n)]);
      }
    }));
});

async function multiply(engine: Engine, x: Value, w: Value): Promise<Value> {
  const module = trace({
    product: (t) => {
      const weight = ops.cast(t.param("w", w.type), "f32");
      return { y: ops.matmul(t.input("x", x.type), weight, { transposeB: true }) };
    },
  });
  const weights = engine.createWeights(async () => w);
  const executable = await engine.compile(lower(module, engine), weights);
  const states = engine.createStates([]);
  const outputs = await engine.run(executable, states, new Map([["x", x]]));
  for (const part of [executable, states, weights]) part.dispose();
  return outputs.get("y")!;
}
