/** Quantized products: bit for bit what the interpreter computes, however they are cut. */
import * as ir from "@fusewire/ir";
import { madeUpRows, randomEnvironment } from "@fusewire/ir/testing";
import { createReferenceEngine, type Engine, lower } from "@fusewire/passes";
import fc from "fast-check";
import { expect, test } from "vitest";
import { expectAgreement } from "../../testing/agreement.ts";
import { check } from "../../testing/arbitrary.ts";
import { expectOutputs } from "../../testing/outputs.ts";
import { onEachVariant } from "../../testing/webgpu.ts";

const f32 = (...shape: number[]) => ir.tensorType("f32", shape);
const quantize = (x: ir.Node, group: number, bits: number) => {
  const layout = ir.integers(bits, group);
  const scales = ir.groupScales(x, layout, bits === 4);
  return [ir.quantizeRows(x, scales, layout), scales] as const;
};

onEachVariant((engine) => {
  test("a layout without a kernel runs by expansion", () =>
    expectOutputs(engine(), (t) => ({ y: madeUpRows(t) }), 1, 0));

  test("scales and codes of rows", () =>
    check(
      fc.tuple(fc.constantFrom(1, 5), fc.constantFrom(1, 7, 12, 32), fc.constantFrom(4, 7, 8)),
      ([rows, group, bits], seed) =>
        expectOutputs(
          engine(),
          (t) => {
            const x = t.input("x", f32(rows, 30 * group));
            const scales = ir.groupScales(x, ir.integers(bits, group));
            const codes = ir.quantizeRows(x, scales, ir.integers(bits, group));
            const zeros = t.input("zeros", { dtype: "i8", shape: [rows, 30] });
            const [back, moved] = [undefined, zeros].map((own) =>
              ir.dequantize(
                codes,
                scales,
                { ...ir.integers(bits, group), zeros: own ? "integer" : "none" },
                { zeros: own },
              ),
            );
            return { scales, codes, back: back!, moved: moved! };
          },
          seed,
          0,
        ),
      6,
    ));

  test("products over odd sizes, with what comes after them", () =>
    check(
      fc.record({
        m: fc.constantFrom(1, 2, 3, 11),
        n: fc.constantFrom(1, 7, 70),
        groups: fc.constantFrom(1, 3, 40),
        group: fc.constantFrom(8, 32, 64),
        bits: fc.constantFrom(8 as const, 4 as const),
        gated: fc.boolean(),
        bias: fc.boolean(),
        residual: fc.boolean(),
        joined: fc.boolean(),
      }),
      ({ m, n, groups, group, bits, gated, bias, residual, joined }, seed) => {
        const k = groups * group;
        const module = ir.trace({
          product: (t) => {
            const [xq, xs] = quantize(t.input("x", f32(m, k)), group, 7);
            const parts = joined ? { a: n, b: n } : { a: 2 * n };
            const quantized = Object.entries(parts).map(([name, rows]) =>
              quantize(t.param(name, f32(rows, k)), group, bits),
            );
            const side = (at: 0 | 1) =>
              ir.concat(
                quantized.map((part) => part[at]),
                0,
              );
            const kept = residual && !gated;
            return {
              y: ir.quantizedMatmul(xq, xs, side(0), side(1), {
                layout: ir.integers(bits, group),
                gated,
                bias: bias ? t.input("bias", f32(2 * n)) : undefined,
                residual: kept ? t.input("residual", f32(m, 2 * n)) : undefined,
              }),
            };
          },
        });
        return expectAgreement(engine(), module, seed, { tolerance: 0 });
      },
      5,
    ));

  test.each([8, 4] as const)(
    "%i bits: rows picked from a matrix and the product with it come from one copy, and no node holds it whole",
    async (bits) => {
      const module = ir.trace({
        step: (t) => {
          const w = ir.cast(t.param("w", ir.tensorType("bf16", [50, 64])), "f32");
          const x = ir.gather(w, t.input("ids", ir.tensorType("i32", [3])));
          return { y: ir.matmul(x, w, { transposeB: true }) };
        },
      });
      const lowered = lower(module, engine(), { quantize: { bits, group: 32 } });
      const { params, inputs } = randomEnvironment(module, 5);
      const values = new Map([["ids", inputs("ids")]]);
      const run = async (on: Engine): Promise<readonly number[]> => {
        const weights = on.createWeights(async (name) => params(name));
        const before = on.held().bytes;
        const executable = await on.compile(lowered, weights);
        // Codes and their scales, beside what the program itself works on.
        if (on === engine())
          expect(on.held().bytes - before).toBeLessThan(50 * 64 * (bits / 8) + 50 * 2 * 4 + 4096);
        const states = on.createStates([]);
        const { data } = (await on.run(executable, states, values)).get("y")!;
        for (const part of [executable, states, weights]) part.dispose();
        return [...data];
      };
      expect(await run(engine())).toEqual(await run(createReferenceEngine()));
    },
  );
});
