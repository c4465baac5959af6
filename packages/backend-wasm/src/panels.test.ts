/** Weights in panels: products and rows picked from one copy, whole or not, of f32, bf16 or f16. */
import * as ops from "@fusewire/ir";
import { castValue, trace, type Value } from "@fusewire/ir";
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
        k: fc.oneof(size(12), fc.constantFrom(33, 96, 104)).map((eights) => 8 * eights),
        dtype: fc.constantFrom("f32" as const, "bf16" as const, "f16" as const),
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
        // A lane adds up to 208 products of up to 2.25: outputs near 0 were 2.1e-5 off at most of 75,000; gated, products of
        // two such sums, 2.3e-4.
        return expectAgreement(engine(), module, seed, { tolerance: gated ? 1e-3 : 5e-5 });
      },
      80,
    ));

  test("a row's bits depend on that row alone", () =>
    check(
      fc.tuple(
        fc.constantFrom(2, 3, 4, 5, 7, 16, 17, 64, 70),
        // Over a tile, and over what one row takes together.
        fc.oneof(size(40), fc.constantFrom(97, 290)),
        fc.oneof(size(9), fc.constantFrom(33, 104)),
      ),
      async ([m, n, eights], seed) => {
        const k = 8 * eights;
        const dtype = (["f32", "bf16", "f16"] as const)[seed % 3]!;
        const w = randomValue({ dtype, shape: [n, k] }, seed);
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
      },
    ));

  test("weights of 16 bits give the bits of the same weights in 32, in half the bytes", async () => {
    for (const dtype of ["bf16", "f16"] as const) {
      // All 65536 words: denormals, infinities, NaN. Products have the finite ones, for NaN has many bits.
      const words = Uint16Array.from({ length: 65536 }, (_, word) => word);
      const every: Value = { type: { dtype, shape: [256, 256] }, data: words };
      const { data } = castValue(every, "f32");
      expect((await rowsOf(engine(), every)).data).toEqual(data);
      const finite = words.filter((word) => Number.isFinite(data[word]));
      const w: Value = { type: { dtype, shape: [36, 1024] }, data: finite.slice(0, 36 * 1024) };
      for (const m of [1, 3, 8]) {
        const x = randomValue({ dtype: "f32", shape: [m, 1024] }, m);
        const [narrow, wide] = [
          await multiply(engine(), x, w),
          await multiply(engine(), x, castValue(w, "f32")),
        ];
        expect(narrow.data).toEqual(wide.data);
        expect(2 * narrow.bytes).toBe(wide.bytes);
      }
      const infinite = { ...w, data: w.data.slice() };
      infinite.data[5000] = dtype === "f16" ? 0x7c00 : 0x7f80;
      const x = randomValue({ dtype: "f32", shape: [1, 1024] }, 9);
      const { data: sums } = await multiply(engine(), x, infinite);
      expect(sums[4]).toBe(x.data[5000 % 1024]! < 0 ? -Infinity : Infinity);
      expect(sums).toEqual((await multiply(engine(), x, castValue(infinite, "f32"))).data);
    }
  });

  test("a weight that is rounded on the way is read as rounded", async () => {
    const w = randomValue({ dtype: "f32", shape: [16, 16] }, 1);
    const { data } = await rowsOf(engine(), w, "bf16");
    expect(data).toEqual(castValue(castValue(w, "bf16"), "f32").data);
  });
});

/** x · wᵀ. */
const multiply = (engine: Engine, x: Value, w: Value) =>
  run(engine, w, x, (input, weight) => ops.matmul(input, ops.cast(weight, "f32"), { transposeB: true }));

/** Every row of a weight that was brought to `dtype`, as f32. */
function rowsOf(engine: Engine, w: Value, dtype = w.type.dtype) {
  const rows = w.type.shape[0]!;
  const all = ops.toValue(
    { dtype: "i32", shape: [rows] },
    Array.from({ length: rows }, (_, k) => k),
  );
  return run(engine, w, all, (ids, weight) => ops.gather(ops.cast(ops.cast(weight, dtype), "f32"), ids));
}

/** What the graph makes of an input and a weight, and the bytes that are held for the weight. */
async function run(
  engine: Engine,
  w: Value,
  x: Value,
  graph: (input: ops.Node, weight: ops.Node) => ops.Node,
): Promise<{ readonly data: Value["data"]; readonly bytes: number }> {
  const module = trace({
    step: (t) => ({ y: graph(t.input("x", x.type), t.param("w", w.type)) }),
  });
  const before = engine.held().bytes;
  const weights = engine.createWeights(async () => w);
  const executable = await engine.compile(lower(module, engine), weights);
  const states = engine.createStates([]);
  const { data } = (await engine.run(executable, states, new Map([["x", x]]))).get("y")!;
  executable.dispose();
  states.dispose();
  const bytes = engine.held().bytes - before;
  weights.dispose();
  return { data, bytes };
}
