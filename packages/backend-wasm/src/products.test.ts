import type { Tracer, Value } from "@fusewire/ir";
import * as ops from "@fusewire/ir";
import { CACHE_DTYPES, storedCache } from "@fusewire/ir/testing";
import { computeWith, expectKernel } from "@fusewire/passes/testing";
import fc from "fast-check";
import { expect, test } from "vitest";
import { check, onEachVariant, size } from "./testing/arbitrary.ts";

const rows = fc.oneof(size(6), fc.constantFrom(7, 12, 33));
const columns = fc.oneof(size(20), fc.constantFrom(47, 48, 49, 97, 131));
const inner = fc.oneof(size(20), fc.constantFrom(63, 64, 65, 127, 257));

onEachVariant((engine) => {
  const matrix = (t: Tracer, name: string, m: number, n: number) =>
    t.input(name, { dtype: "f32", shape: [m, n] });

  test("linear with every epilogue, over odd sizes", () =>
    check(
      fc.tuple(
        rows,
        columns,
        inner,
        fc.constantFrom("none", "silu", "relu", "gelu_tanh"),
        fc.boolean(),
        fc.boolean(),
      ),
      ([m, n, k, activation, bias, residual], seed) =>
        expectKernel(
          engine(),
          (t) =>
            ops.linear(matrix(t, "x", m, k), matrix(t, "w", n, k), {
              activation: activation as ops.Activation,
              ...(bias && { bias: t.input("bias", { dtype: "f32", shape: [n] }) }),
              ...(residual && { residual: matrix(t, "residual", m, n) }),
            }),
          seed,
          2e-5,
        ),
      80,
    ));

  test("gated_linear with and without a bias", () =>
    check(fc.tuple(rows, columns, inner, fc.boolean()), ([m, n, k, bias], seed) =>
      expectKernel(
        engine(),
        (t) =>
          ops.gatedLinear(
            matrix(t, "x", m, k),
            matrix(t, "w", 2 * n, k),
            "silu",
            bias ? t.input("bias", { dtype: "f32", shape: [2 * n] }) : undefined,
          ),
        seed,
        // The product of two sums, each with its own rounding.
        1e-3,
      ),
    ));

  test("matmul of matrices and of stacks that broadcast", () => {
    const stacks = fc.constantFrom<readonly [readonly number[], readonly number[]]>(
      [[], []],
      [[2], []],
      [[], [3]],
      [[2, 1], [3]],
      [
        [2, 3],
        [1, 3],
      ],
    );
    return check(
      fc.tuple(stacks, size(6), size(70), size(40), fc.boolean()),
      ([[left, right], m, n, k, transposeB], seed) =>
        expectKernel(
          engine(),
          (t) => {
            const a = t.input("a", { dtype: "f32", shape: [...left, m, k] });
            const b = t.input("b", { dtype: "f32", shape: [...right, ...(transposeB ? [n, k] : [k, n])] });
            return ops.matmul(a, b, { transposeB });
          },
          seed,
          2e-5,
        ),
    );
  });

  test("attention over runs, flat and in rings, with and without softcap", () =>
    check(
      fc.record({
        batch: size(3),
        keyHeads: size(2),
        group: size(3),
        length: size(5),
        slots: fc.oneof(size(23), size(300)),
        width: fc.constantFrom(3, 4, 8, 17, 32, 64),
        valueWidth: fc.constantFrom(1, 4, 7, 32, 36, 64),
        softcap: fc.constantFrom(0, 2),
        ring: fc.boolean(),
        dtype: fc.constantFrom(...CACHE_DTYPES),
      }),
      ({ batch, keyHeads, group, length, slots, width, valueWidth, softcap, ring, dtype }, seed) =>
        expectKernel(
          engine(),
          (t) => {
            const tensor = (name: string, ...shape: number[]) => t.input(name, { dtype: "f32", shape });
            const run = (name: string) => t.input(name, { dtype: "i32", shape: [batch, length] });
            const keys = storedCache(t, "keys", dtype, [batch + 1, keyHeads, slots, width]);
            const values = storedCache(t, "values", dtype, [batch + 1, keyHeads, slots, valueWidth]);
            return ops.attention(
              tensor("q", batch, keyHeads * group, length, width),
              keys.cache,
              values.cache,
              t.input("rows", { dtype: "i32", shape: [batch] }),
              run("lo"),
              seed % 2 ? run("hi") : ops.add(ops.mul(run("hi"), 50), 3),
              { scale: 0.3, softcap, ring, scales: [...keys.scales, ...values.scales] },
            );
          },
          seed,
          2e-5,
        ),
      80,
    ));

  test("attention reads every number of 16 bits", async () => {
    const [slots, width] = [1024, 64];
    const shape = [1, 1, slots, width];
    const words: Value = {
      type: { dtype: "f16", shape },
      data: Uint16Array.from({ length: 65536 }, (_, k) => k),
    };
    const own: Value = {
      type: { dtype: "i32", shape: [1, slots] },
      data: Int32Array.from({ length: slots }, (_, k) => k),
    };
    const read = await computeWith(
      engine(),
      (t) => {
        const values = t.input("words", words.type);
        const keys = ops.constant(t.table, 0, "f16", shape);
        const each = t.input("own", own.type);
        const q = ops.constant(t.table, 0, "f32", [1, 1, slots, width]);
        return ops.attention(q, keys, values, ops.constant(t.table, [0], "i32", [1]), each, each, {
          scale: 1,
        });
      },
      { inputs: { words, own } },
    );
    // A sum that begins with 0 loses the sign of a zero.
    expect(read.data).toEqual(ops.castValue(words, "f32").data.map((x) => x + 0));
  });
});
