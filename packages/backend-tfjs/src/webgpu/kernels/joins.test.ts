/** How lanes join: by exchanging values, as wide as the software adapter's subgroups, and the same in all kernels. */
import * as ir from "@fusewire/ir";
import { expect, test } from "vitest";
import { computeWith } from "../../testing/agreement.ts";
import { expectOutputs } from "../../testing/outputs.ts";
import { onEachVariant, SHUFFLES, VARIANTS } from "../../testing/webgpu.ts";

const f32 = (t: ir.Tracer, name: string, ...shape: number[]) => t.param(name, ir.tensorType("f32", shape));

onEachVariant(
  (engine) => {
    test("products, norms, softmax and reductions", () =>
      expectOutputs(
        engine(),
        (t) => {
          const [x, gain] = [f32(t, "x", 3, 260), f32(t, "g", 260)];
          const scaled = ir.mul(gain, 1 / 16);
          const weight = f32(t, "w", 10, 260);
          const product = { weight, activation: "silu" as const, gated: true };
          const norm = { gain: scaled, shift: scaled, eps: 1e-3 };
          return {
            dense: ir.dense(x, product, norm),
            norm: ir.layerNorm(x, scaled, scaled, 1e-3),
            softmax: ir.softmax(x),
            sum: ir.reduceSum(ir.mul(x, 1 / 16), 1),
            largest: ir.argmax(x, 1),
          };
        },
        3,
        2e-5,
      ));

    test("attention of one token and of a chunk", async () => {
      for (const rows of ["few", "chunk"] as const)
        await expectOutputs(
          engine(),
          (t) => {
            const bound = (of: (k: number) => number) =>
              ir.constant(
                t.table,
                [0, 1, 2].map((k) => of(k)),
                "i32",
                [1, 3],
              );
            const [keys, values] = [f32(t, "k", 1, 1, 150, 16), f32(t, "v", 1, 1, 150, 16)];
            const row = ir.constant(t.table, 0, "i32", [1]);
            const [lo, hi] = [bound((k) => 2 + k), bound((k) => 130 + k)];
            return { y: ir.attention(f32(t, "q", 1, 2, 3, 16), keys, values, row, lo, hi, { scale: 0.2 }) };
          },
          5,
          undefined,
          rows,
        );
    });
  },
  [SHUFFLES],
);

onEachVariant((engine) => {
  test("a norm has the same bits in a product and alone, and a row beside any others", async () => {
    const value = (shape: ir.Shape, salt: number) =>
      ir.toValue(
        ir.tensorType("f32", shape),
        Array.from({ length: ir.sizeOf(shape) }, (_, i) => ir.hash32(i ^ salt) / 2 ** 31 - 1),
      );
    const params = { x: value([30, 132], 1), g: value([132], 2), w: value([6, 132], 3) };
    const run = async (apart: boolean, rows: number) => {
      const x = {
        ...params.x,
        type: ir.tensorType("f32", [rows, 132]),
        data: params.x.data.slice(0, rows * 132),
      };
      const { data } = await computeWith(
        engine(),
        (t) => {
          const [input, gain, weight] = [t.input("x", x.type), f32(t, "g", 132), f32(t, "w", 6, 132)];
          const product = { weight, activation: "none", gated: false };
          return apart
            ? ir.dense(ir.rmsNorm(input, gain, 1e-5), product)
            : ir.dense(input, product, { gain, eps: 1e-5 });
        },
        { params, inputs: { x } },
      );
      return [...data];
    };
    const all = await run(false, 30);
    expect(await run(true, 30)).toEqual(all);
    expect(await run(false, 1)).toEqual(all.slice(0, 6));
  });
}, Object.keys(VARIANTS));
