import type { DType, Node } from "@fusewire/ir";
import * as ops from "@fusewire/ir";
import { computeWith, expectKernel } from "@fusewire/passes/testing";
import fc from "fast-check";
import { expect, test } from "vitest";
import { arbitraryBroadcast, arbitraryShape, check, onEachVariant, size } from "./testing/arbitrary.ts";

/** Positive, where log and roots are smooth. */
const positive = (x: Node): Node => ops.add(ops.mul(x, x), 0.5);

const UNARY: Readonly<Record<string, (x: Node) => Node>> = {
  neg: ops.neg,
  exp: ops.exp,
  log: (x) => ops.log(positive(x)),
  sqrt: (x) => ops.sqrt(positive(x)),
  rsqrt: (x) => ops.rsqrt(positive(x)),
  tanh: ops.tanh,
  silu: ops.silu,
  relu: ops.relu,
  gelu_tanh: ops.geluTanh,
};
const BINARY: Readonly<Record<string, (a: Node, b: Node) => Node>> = {
  add: ops.add,
  sub: ops.sub,
  mul: ops.mul,
  max: ops.max,
  min: ops.min,
  eq: ops.eq,
  lt: ops.lt,
  le: ops.le,
};

const NUMBERS = ["f32", "i32", "u32"] as const;

onEachVariant((engine) => {
  test("exp is within 2 units in the last place, and exact where it ends", async () => {
    const numbers = Array.from({ length: 20_000 }, (_, k) => Math.fround(-87 + (k * 175) / 20_000));
    const x = ops.toValue({ dtype: "f32", shape: [numbers.length] }, numbers);
    const { data } = await computeWith(engine(), (t) => ops.exp(t.input("x", x.type)), { inputs: { x } });
    const units = numbers.map((number, k) => {
      const exact = Math.exp(number);
      return Math.abs(data[k]! - exact) / 2 ** (Math.floor(Math.log2(exact)) - 23);
    });
    expect(Math.max(...units)).toBeLessThan(2);
    const ends = ops.toValue({ dtype: "f32", shape: [5] }, [-Infinity, -200, 0, 200, NaN]);
    const { data: last } = await computeWith(engine(), (t) => ops.exp(t.input("x", ends.type)), {
      inputs: { x: ends },
    });
    expect([...last]).toEqual([0, 0, 1, Infinity, NaN]);
  });

  test.each(Object.entries(UNARY))("%s", (_name, op) =>
    check(arbitraryShape({ max: 40 }), (shape, seed) =>
      expectKernel(engine(), (t) => op(t.input("x", { dtype: "f32", shape })), seed),
    ),
  );

  test.each(Object.entries(BINARY))("%s of floats and integers, broadcast from either side", (_name, op) =>
    check(fc.tuple(arbitraryBroadcast({ max: 9 }), fc.constantFrom(...NUMBERS)), ([[a, b], dtype], seed) =>
      expectKernel(
        engine(),
        (t) => {
          const [x, y] = [t.input("x", { dtype, shape: a }), t.input("y", { dtype, shape: b })];
          return seed % 2 ? op(x, y) : op(y, x);
        },
        seed,
      ),
    ),
  );

  test("div and mod", () =>
    check(arbitraryBroadcast(), async ([a, b], seed) => {
      const pair = (t: ops.Tracer, dtype: DType) =>
        [t.input("x", { dtype, shape: a }), t.input("y", { dtype, shape: b })] as const;
      await expectKernel(
        engine(),
        (t) => {
          const [x, y] = pair(t, "f32");
          return ops.div(x, positive(y));
        },
        seed,
      );
      await expectKernel(engine(), (t) => ops.mod(...pair(t, "i32")), seed);
    }));

  test("truth values, where, and blocks of more than 256 elements", () =>
    check(size(900), (n, seed) =>
      expectKernel(
        engine(),
        (t) => {
          const [p, q] = ["p", "q"].map((name) => t.input(name, { dtype: "bool", shape: [2, n] }));
          const [x, y] = ["x", "y"].map((name) => t.input(name, { dtype: "f32", shape: [n] }));
          const mask = ops.or(ops.and(p!, q!), ops.not(q!));
          return ops.where(mask, ops.where(p!, x!, 2), y!);
        },
        seed,
      ),
    ));

  test("fused bodies with literals and broadcasts", () =>
    check(arbitraryBroadcast({ max: 20 }), ([a, b], seed) =>
      expectKernel(
        engine(),
        (t) =>
          ops.fusedElementwise(
            [
              t.input("x", { dtype: "f32", shape: a }),
              t.input("y", { dtype: "f32", shape: b }),
              t.input("m", { dtype: "bool", shape: a }),
            ],
            ["mul $0 $0", "add %0 $1", "silu %1", "lt $1 0.5", "and %3 $2", "where %4 %2 -1.5", "max %5 $0"],
          ),
        seed,
      ),
    ));

  const DTYPES = ["f32", "f16", "bf16", "i32", "u32", "i8", "u8", "bool"] as const;
  test.each(DTYPES.flatMap((from) => DTYPES.filter((to) => to !== from).map((to) => [from, to] as const)))(
    "cast of %s to %s",
    (from, to) =>
      check(
        size(70),
        (n, seed) =>
          expectKernel(
            engine(),
            (t) => {
              const x = t.input("x", { dtype: from, shape: [n] });
              // Beyond what small integers hold, so that casts saturate.
              return ops.cast(from === "f32" ? ops.mul(x, 300) : x, to);
            },
            seed,
            0,
          ),
        8,
      ),
  );

  test("casts at the edges of what types hold", async () => {
    const edges = [
      0,
      -0,
      0.5,
      -0.5,
      65504,
      65519,
      65520,
      -7e4,
      1e-7,
      6e-8,
      2.9e-8,
      3e9,
      -3e9,
      5e9,
      NaN,
      Infinity,
    ];
    const numbers = [...edges, -Infinity, 6.1e-5, 6.09e-5, 1.0009765, 1.0014648, 127.5, 300, -129];
    const x = ops.toValue({ dtype: "f32", shape: [numbers.length] }, numbers);
    for (const to of ["f16", "bf16", "i32", "u32", "i8", "u8", "bool"] as const) {
      const cast = await computeWith(engine(), (t) => ops.cast(t.input("x", x.type), to), { inputs: { x } });
      expect([to, [...cast.data]]).toEqual([to, [...ops.castValue(x, to).data]]);
    }
    const halves = ops.toValue({ dtype: "f16", shape: [numbers.length] }, numbers);
    const wide = await computeWith(engine(), (t) => ops.cast(t.input("x", halves.type), "f32"), {
      inputs: { x: halves },
    });
    expect([...wide.data]).toEqual([...ops.castValue(halves, "f32").data]);
  });

  test("exp and tanh at the edges", async () => {
    const numbers = [0, -0, 1e-8, -1e-4, 0.34, 0.36, -20, 88, 88.7, 89, 200, -87, -100, -104, -200, NaN];
    const x = ops.toValue({ dtype: "f32", shape: [18] }, [...numbers, Infinity, -Infinity]);
    for (const [op, scalar] of [
      [ops.exp, Math.exp],
      [ops.tanh, Math.tanh],
    ] as const) {
      const y = await computeWith(engine(), (t) => op(t.input("x", x.type)), { inputs: { x } });
      for (const [k, value] of y.data.entries()) {
        const want = Math.fround(scalar(x.data[k]!));
        if (Number.isFinite(want))
          expect(Math.abs(value - want)).toBeLessThanOrEqual(2e-7 * Math.abs(want) + 1e-44);
        else expect(value).toBe(want);
      }
    }
  });
});
