import * as ir from "@fusewire/ir";
import type { RowClass } from "@fusewire/passes";
import fc from "fast-check";
import { expect, test } from "vitest";
import { computeWith } from "../../testing/agreement.ts";
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
      5,
    ));

  test("dense: norms before the product, weights of 16 bits, any number of rows", () =>
    check(
      fc.record({
        m: fc.constantFrom(1, 2, 3, 5, 11, 20),
        k: fc.constantFrom(2, 7, 36, 64, 260),
        n: fc.constantFrom(1, 6, 33),
        norm: fc.constantFrom("none", "rms", "layer"),
        dtype: fc.constantFrom<ir.DType>("f32", "f16", "bf16"),
        activation: fc.constantFrom<ir.Activation>("none", "silu"),
        gated: fc.boolean(),
        bias: fc.boolean(),
        residual: fc.boolean(),
        rows: fc.constantFrom<RowClass>("few", "chunk"),
      }),
      ({ m, k, n, norm: asked, dtype, activation, gated, bias, residual, rows: work }, seed) => {
        const norm = work === "chunk" ? "none" : asked;
        return expectOutputs(
          engine(),
          (t) => {
            const rows = gated ? 2 * n : n;
            const scaled = ir.mul(f32(t, "x", 1, m, k), norm === "none" ? 1 / Math.sqrt(k) : 1);
            const gain = ir.mul(f32(t, "g", k), 1 / Math.sqrt(k));
            const product = {
              weight: t.param("w", ir.tensorType(dtype, [rows, k])),
              bias: bias ? f32(t, "b", rows) : undefined,
              residual: residual && !gated ? f32(t, "r", 1, m, n) : undefined,
              activation,
              gated,
            };
            const shift = norm === "layer" ? ir.mul(f32(t, "h", k), 1 / Math.sqrt(k)) : undefined;
            const before = norm === "none" ? undefined : { gain, shift, eps: 1e-2 };
            return { y: ir.dense(scaled, product, before) };
          },
          seed,
          5e-5,
          work,
        );
      },
      9,
    ));

  test.each<[string, RowClass, ir.DType]>([
    ["few rows", "few", "f32"],
    ["a chunk of a prompt", "chunk", "f32"],
    ["a chunk of a prompt, with weights of 16 bits", "chunk", "bf16"],
  ])("a row has the same bits alone and beside any others: %s", async (_what, work, dtype) => {
    const [k, n] = [132, 21];
    const numbers = (size: number, salt: number) =>
      Array.from({ length: size }, (_, i) => ir.hash32(i ^ ir.hash32(salt)) / 2 ** 31 - 1);
    const value = (type: ir.DType, shape: ir.Shape, salt: number) =>
      ir.toValue(ir.tensorType(type, shape), numbers(ir.sizeOf(shape), salt));
    const rows = value("f32", [70, k], 1);
    const params = { g: value("f32", [k], 2), w: value(dtype, [2 * n, k], 3) };
    const norm = (t: ir.Tracer) => (work === "few" ? { gain: f32(t, "g", k), eps: 1e-5 } : undefined);
    const first = async (count: number, at: number) => {
      const x = { type: ir.tensorType("f32", [count, k]), data: rows.data.slice(at * k, (at + count) * k) };
      const found = await computeWith(
        engine(),
        (t) =>
          ir.dense(
            t.input("x", x.type),
            { weight: t.param("w", params.w.type), activation: "silu", gated: true },
            norm(t),
          ),
        { params, inputs: { x }, rows: work },
      );
      return found.data;
    };
    const all = await first(70, 0);
    for (const [count, at] of [
      [1, 0],
      [1, 69],
      [2, 7],
      [8, 13],
      [21, 40],
    ] as const)
      expect(await first(count, at)).toEqual(all.slice(at * n, (at + count) * n));
  });
});
