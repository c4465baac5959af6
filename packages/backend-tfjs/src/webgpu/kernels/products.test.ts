import * as ir from "@fusewire/ir";
import fc from "fast-check";
import { test } from "vitest";
import { check } from "../../testing/arbitrary.ts";
import { expectOutputs } from "../../testing/outputs.ts";
import { onEachVariant } from "../../testing/webgpu.ts";

const f32 = (t: ir.Tracer, name: string, ...shape: number[]) => t.param(name, ir.tensorType("f32", shape));
const upTo = (max: number) => fc.integer({ min: 1, max });

onEachVariant((engine) => {
  test("matmul of stacks, plain and transposed", () =>
    check(
      fc.tuple(upTo(9), fc.constantFrom(1, 3, 8, 33), upTo(9), fc.boolean(), fc.boolean()),
      ([m, k, n, left, right], seed) =>
        expectOutputs(
          engine(),
          (t) => {
            const a = f32(t, "a", left ? 2 : 1, 3, m, k);
            return {
              plain: ir.matmul(a, f32(t, "b", right ? 2 : 1, 3, k, n)),
              transposed: ir.matmul(a, f32(t, "c", 3, n, k), { transposeB: true }),
              matrix: ir.matmul(a, f32(t, "d", n, k), { transposeB: true }),
            };
          },
          seed,
        ),
      4,
    ));

  test("linear and gated_linear with their epilogues", () =>
    check(
      fc.tuple(
        fc.constantFrom(1, 2, 5),
        fc.constantFrom(1, 7, 36, 64, 260),
        fc.constantFrom(1, 6, 33),
        fc.constantFrom("none", "silu", "relu", "gelu_tanh"),
        fc.boolean(),
        fc.boolean(),
      ),
      ([m, k, n, activation, biased, rest], seed) =>
        expectOutputs(
          engine(),
          (t) => {
            // Scaled so that sums stay near 1, where the tolerance is meant.
            const x = ir.mul(f32(t, "x", 1, m, k), 1 / Math.sqrt(k));
            const bias = biased ? { bias: f32(t, "b", n) } : {};
            const residual = rest ? { residual: f32(t, "r", 1, m, n) } : {};
            return {
              linear: ir.linear(x, f32(t, "w", n, k), {
                activation: activation as ir.Activation,
                ...bias,
                ...residual,
              }),
              gated: ir.gatedLinear(
                x,
                f32(t, "g", 2 * n, k),
                activation as ir.Activation,
                biased ? f32(t, "gb", 2 * n) : undefined,
              ),
            };
          },
          seed,
          2e-5,
        ),
      8,
    ));
});
