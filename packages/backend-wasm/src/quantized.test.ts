/** Quantized products: bit for bit what the interpreter computes, whatever the SIMD. */
import * as ops from "@fusewire/ir";
import { rootsOf, topological, trace } from "@fusewire/ir";
import { madeUpRows, randomEnvironment } from "@fusewire/ir/testing";
import { createReferenceEngine, type Engine, lower } from "@fusewire/passes";
import { expectAgreement, expectKernel } from "@fusewire/passes/testing";
import fc from "fast-check";
import { expect, test } from "vitest";
import { check, onEachVariant, size } from "./testing/arbitrary.ts";

const quantize = (x: ops.Node, group: number, bits: number) => {
  const layout = ops.integers(bits, group);
  const scales = ops.groupScales(x, layout, bits === 4);
  return [ops.quantizeRows(x, scales, layout), scales] as const;
};

onEachVariant((engine) => {
  test("a layout without a kernel runs by expansion", () =>
    check(fc.constant(undefined), (_, seed) => expectKernel(engine(), madeUpRows, seed, 0)));

  test("scales and codes of rows", () =>
    check(
      fc.tuple(size(5), size(4), fc.constantFrom(1, 4, 7, 8, 32), fc.constantFrom(4, 7, 8)),
      (sizes, seed) => {
        const [rows, groups, group, bits] = sizes;
        return expectKernel(
          engine(),
          (t) => {
            const x = t.input("x", { dtype: "f32", shape: [rows, groups * group] });
            const scales = ops.groupScales(x, ops.integers(bits, group));
            const codes = ops.quantizeRows(x, scales, ops.integers(bits, group));
            return ops.dequantize(codes, scales, ops.integers(bits, group));
          },
          seed,
          0,
        );
      },
    ));

  test("codes with zeros", () =>
    check(fc.tuple(size(5), size(4), fc.constantFrom(1, 7, 32)), ([rows, groups, group], seed) =>
      expectKernel(
        engine(),
        (t) => {
          const own = (name: string, width: number, dtype: "f32" | "i8") =>
            t.input(name, { dtype, shape: [rows, width] });
          const [codes, scales] = [own("codes", groups * group, "i8"), own("scales", groups, "f32")];
          return ops.dequantize(
            codes,
            scales,
            { ...ops.q8(group), zeros: "integer" },
            { zeros: own("zeros", groups, "i8") },
          );
        },
        seed,
        0,
      ),
    ));

  test("products over odd sizes, with every epilogue", () =>
    check(
      fc.record({
        m: fc.oneof(fc.constant(1), size(9), fc.constantFrom(21, 64, 65, 67, 130)),
        n: fc.oneof(size(40), fc.constantFrom(16, 48, 96)),
        groups: size(7),
        group: fc.constantFrom(8, 16, 32, 64, 128),
        bits: fc.constantFrom(8 as const, 4 as const),
        gated: fc.boolean(),
        bias: fc.boolean(),
        residual: fc.boolean(),
        joined: fc.boolean(),
      }),
      ({ m, n, groups, group, bits, gated, bias, residual, joined }, seed) => {
        const k = groups * group;
        const rows = gated ? 2 * n : n;
        const module = trace({
          product: (t) => {
            const x = t.input("x", { dtype: "f32", shape: [m, k] });
            const [xq, xs] = quantize(x, group, 7);
            const parts = joined
              ? [
                  ["a", rows],
                  ["b", rows],
                ]
              : [["a", 2 * rows]];
            const quantized = parts.map(([name, own]) =>
              quantize(t.param(`${name}`, { dtype: "f32", shape: [Number(own), k] }), group, bits),
            );
            const codes = ops.concat(
              quantized.map(([own]) => own),
              0,
            );
            const scales = ops.concat(
              quantized.map(([, own]) => own),
              0,
            );
            const width = 2 * n;
            return {
              y: ops.quantizedMatmul(xq, xs, codes, scales, {
                layout: ops.integers(bits, group),
                gated,
                ...(bias && { bias: t.input("bias", { dtype: "f32", shape: [2 * rows] }) }),
                ...(residual &&
                  !gated && { residual: t.input("residual", { dtype: "f32", shape: [m, width] }) }),
              }),
            };
          },
        });
        return expectAgreement(engine(), module, seed, { tolerance: 0 });
      },
      60,
    ));

  test("a scale for a whole row, whose sums need more than 16 bits", async () => {
    for (const [m, k] of [
      [1, 264],
      [1, 2056],
      [6, 4096],
    ] as const) {
      const module = trace({
        product: (t) => {
          // Elements of one sign and size: their codes are near the largest, and so are sums of them.
          const alike = (x: ops.Node) => ops.add(ops.mul(x, 0.01), 1);
          const [xq, xs] = quantize(alike(t.input("x", { dtype: "f32", shape: [m, k] })), k, 7);
          const w = alike(t.param("w", { dtype: "f32", shape: [50, k] }));
          const [codes, scales] = quantize(w, k, 8);
          return { y: ops.quantizedMatmul(xq, xs, codes, scales, { layout: ops.q8(k) }) };
        },
      });
      await expectAgreement(engine(), module, k, { tolerance: 0 });
    }
  });

  test("rows picked from a quantized matrix and the product with it come from one copy", async () => {
    for (const bits of [8, 4] as const) {
      const module = trace({
        step: (t) => {
          const w = ops.cast(t.param("w", { dtype: "bf16", shape: [50, 64] }), "f32");
          const x = ops.gather(w, t.input("ids", { dtype: "i32", shape: [3] }));
          return { y: ops.matmul(x, w, { transposeB: true }) };
        },
      });
      const lowered = lower(module, engine(), { quantize: { bits, group: 32 } });
      // The passes as text would say the same: no node holds the full matrix.
      const sizes = topological(rootsOf(lowered.entry)).map(({ type }) => [type.dtype, ...type.shape].join());
      expect(sizes).not.toContain("f32,50,64");
      const { params, inputs } = randomEnvironment(module, 5);
      const values = new Map([["ids", inputs("ids")]]);
      const run = async (on: Engine): Promise<readonly number[]> => {
        const weights = on.createWeights(async (name) => params(name));
        const executable = await on.compile(lowered, weights);
        const states = on.createStates([]);
        const { data } = (await on.run(executable, states, values)).get("y")!;
        for (const part of [executable, states, weights]) part.dispose();
        return [...data];
      };
      expect(await run(engine())).toEqual(await run(createReferenceEngine()));
    }
  });
});
