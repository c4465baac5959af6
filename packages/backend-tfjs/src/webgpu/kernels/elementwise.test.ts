import * as ir from "@fusewire/ir";
import { expect, test } from "vitest";
import { computeWith } from "../../testing/agreement.ts";
import { arbitraryBroadcast, arbitraryShape, check } from "../../testing/arbitrary.ts";
import { expectOutputs } from "../../testing/outputs.ts";
import { onEachVariant } from "../../testing/webgpu.ts";

const RUNS = 6;
const leaf = (t: ir.Tracer, name: string, shape: ir.Shape, dtype: ir.DType = "f32") =>
  t.param(name, ir.tensorType(dtype, shape));
const positive = (x: ir.Node) => ir.add(ir.mul(x, x), 0.1);

onEachVariant(
  (engine) => {
    test("floats, with broadcasting of either operand", () =>
      check(
        arbitraryBroadcast({ maxRank: 5 }),
        ([large, small], seed) =>
          expectOutputs(
            engine(),
            (t) => {
              const [a, b] = [leaf(t, "a", large), leaf(t, "b", small)];
              const condition = ir.le(b, 0);
              return {
                neg: ir.neg(a),
                exp: ir.exp(a),
                log: ir.log(positive(b)),
                sqrt: ir.sqrt(positive(b)),
                rsqrt: ir.rsqrt(positive(b)),
                tanh: ir.tanh(ir.mul(a, 30)),
                silu: ir.silu(ir.mul(a, 80)),
                relu: ir.relu(a),
                gelu: ir.geluTanh(ir.mul(a, 9)),
                add: ir.add(a, b),
                sub: ir.sub(b, a),
                div: ir.div(a, positive(b)),
                max: ir.max(a, b),
                min: ir.min(b, a),
                where: ir.where(condition, a, Number.NEGATIVE_INFINITY),
                bools: ir.or(ir.and(ir.lt(a, b), ir.not(condition)), ir.eq(a, a)),
                chosen: ir.where(condition, ir.lt(a, 0), ir.le(a, b)),
              };
            },
            seed,
          ),
        RUNS,
      ));

    test("integers", () =>
      check(
        arbitraryBroadcast(),
        ([large, small], seed) =>
          expectOutputs(
            engine(),
            (t) => {
              const [a, b] = [leaf(t, "a", large, "i32"), leaf(t, "b", small, "i32")];
              const [u, v] = [leaf(t, "u", large, "u32"), leaf(t, "v", small, "u32")];
              return {
                mul: ir.mul(a, ir.sub(b, 3)),
                mod: ir.mod(ir.sub(a, b), ir.add(ir.mul(b, b), 1)),
                neg: ir.mod(a, ir.sub(ir.neg(ir.mul(b, b)), 1)),
                wraps: ir.add(ir.mul(u, v), u),
                less: ir.lt(u, v),
                max: ir.max(ir.max(a, b), ir.min(a, 2)),
              };
            },
            seed,
          ),
        RUNS,
      ));

    test("casts between all dtypes", () =>
      check(
        arbitraryShape({ max: 7 }),
        (shape, seed) =>
          expectOutputs(
            engine(),
            (t) =>
              Object.fromEntries(
                ir.DTYPES.flatMap((source) =>
                  ir.DTYPES.filter((to) => to !== source).map((to) => {
                    const x = leaf(t, source, shape, source);
                    const wide = source === "f32" ? ir.mul(x, 200) : x;
                    return [`${source} to ${to}`, ir.cast(wide, to)];
                  }),
                ),
              ),
            seed,
          ),
        2,
      ));

    test("casts at the ends of the ranges", async () => {
      const numbers = [
        0,
        -0,
        1.5,
        -1.5,
        65504,
        65519,
        65520,
        -1e9,
        3e9,
        -3e9,
        5e9,
        1e39,
        6e-8,
        3e-8,
        2.9e-8,
        6.1e-5,
        1.0009765625,
        1.00048828125,
        Number.NaN,
        Number.POSITIVE_INFINITY,
      ];
      const x = ir.toValue(ir.tensorType("f32", [numbers.length]), numbers);
      for (const to of ["i32", "u32", "i8", "u8", "f16", "bf16", "bool"] as const) {
        const found = await computeWith(engine(), (t) => ir.cast(leaf(t, "x", [numbers.length]), to), {
          params: { x },
        });
        expect([to, ...found.data]).toEqual([to, ...ir.castValue(x, to).data]);
      }
    });

    test("a body of instructions with literals", () =>
      check(
        arbitraryBroadcast(),
        ([large, small], seed) =>
          expectOutputs(
            engine(),
            (t) => ({
              y: ir.fusedElementwise(
                [leaf(t, "a", large), leaf(t, "b", small)],
                ["mul $0 0.1", "add %0 $1", "le %1 -0", "where %2 -Infinity %1", "max %3 1e-7"],
              ),
            }),
            seed,
          ),
        RUNS,
      ));
  },
  ["a thread a line"],
);
