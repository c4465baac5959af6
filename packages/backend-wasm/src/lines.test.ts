import * as ops from "@fusewire/ir";
import { computeWith, expectKernel } from "@fusewire/passes/testing";
import fc from "fast-check";
import { expect, test } from "vitest";
import { arbitraryShape, check, onEachVariant, size } from "./testing/arbitrary.ts";

onEachVariant((engine) => {
  test.each(
    Object.entries({ sum: ops.reduceSum, max: ops.reduceMax, argmax: ops.argmax, cumsum: ops.cumsum }),
  )("%s along any axis, of floats and integers", (_name, op) =>
    check(
      fc.tuple(arbitraryShape({ minRank: 1, max: 9 }), fc.nat(), fc.constantFrom("f32", "i32")),
      ([shape, axis, dtype], seed) =>
        expectKernel(engine(), (t) => op(t.input("x", { dtype, shape }), axis % shape.length), seed),
    ),
  );

  test("argmax of long lines with ties, -inf and NaN", async () => {
    const n = 37;
    for (let at = 0; at < n; at++) {
      const numbers = Array.from({ length: n }, (_, k) =>
        k === at || k === at + 5 ? 2 : k % 3 ? -Infinity : NaN,
      );
      const x = ops.toValue({ dtype: "f32", shape: [1, n] }, numbers);
      const best = await computeWith(engine(), (t) => ops.argmax(t.input("x", x.type)), { inputs: { x } });
      expect([...best.data]).toEqual([at]);
    }
  });

  test("argsort keeps the order of equals", () =>
    check(
      fc.tuple(size(3), size(300), fc.constantFrom("f32", "i32"), fc.boolean()),
      ([b, n, dtype, down], seed) =>
        expectKernel(
          engine(),
          (t) => {
            const x = t.input("x", { dtype: "i32", shape: [b, n] });
            return ops.argsort(dtype === "f32" ? ops.cast(x, "f32") : x, down);
          },
          seed,
        ),
    ));

  test("softmax, rms_norm and layer_norm", () =>
    check(fc.tuple(size(4), size(150)), async ([rows, n], seed) => {
      const x = (t: ops.Tracer) => t.input("x", { dtype: "f32", shape: [rows, n] });
      const w = (t: ops.Tracer, name: string) => t.input(name, { dtype: "f32", shape: [n] });
      await expectKernel(engine(), (t) => ops.softmax(x(t)), seed);
      await expectKernel(engine(), (t) => ops.rmsNorm(x(t), w(t, "w"), 1e-5), seed);
      await expectKernel(engine(), (t) => ops.layerNorm(x(t), w(t, "w"), w(t, "bias"), 1e-5), seed);
    }));

  test("softmax takes the exponentials of exp, to the bit, by sixteens and one by one", async () => {
    const numbers = Array.from({ length: 53 }, (_, k) => -((k * 37) % 53) * 2.1);
    const x = ops.toValue({ dtype: "f32", shape: [1, 53] }, numbers);
    const of = (op: (x: ops.Node) => ops.Node) =>
      computeWith(engine(), (t) => op(t.input("x", x.type)), { inputs: { x } });
    const powers = [...(await of(ops.exp)).data];
    const total = Math.fround(powers.reduce((sum, power) => sum + power, 0));
    const expected = powers.map((power) => Math.fround(power / total));
    expect([...(await of(ops.softmax)).data]).toEqual(expected);
  });

  test("softmax finds the largest wherever it is", async () => {
    const n = 53;
    const x = ops.toValue(
      { dtype: "f32", shape: [n, n] },
      Array.from({ length: n * n }, (_, k) => (k % (n + 1) === 0 ? 0 : -100)),
    );
    const { data } = await computeWith(engine(), (t) => ops.softmax(t.input("x", x.type)), { inputs: { x } });
    expect(Array.from({ length: n }, (_, row) => data[row * (n + 1)])).toEqual(Array(n).fill(1));
  });

  test("rotary", () =>
    check(fc.tuple(size(3), size(3), size(5), size(10)), ([batch, heads, length, half], seed) =>
      expectKernel(
        engine(),
        (t) => {
          const table = (name: string) => t.input(name, { dtype: "f32", shape: [batch, length, half] });
          const x = t.input("x", { dtype: "f32", shape: [batch, heads, length, 2 * half] });
          return ops.rotary(x, table("cos"), table("sin"));
        },
        seed,
      ),
    ));

  test("occurs and uniform, bit for bit", () =>
    check(fc.tuple(size(3), size(20)), async ([b, n], seed) => {
      const vector = (t: ops.Tracer, name: string, dtype: "i32" | "u32") =>
        t.input(name, { dtype, shape: [b] });
      await expectKernel(
        engine(),
        (t) => ops.occurs(t.input("ids", { dtype: "i32", shape: [b, n] }), vector(t, "lengths", "i32"), 4),
        seed,
      );
      for (const stream of ops.STREAMS)
        await expectKernel(
          engine(),
          (t) => ops.uniform(vector(t, "seed", "u32"), vector(t, "at", "i32"), stream),
          seed,
          0,
        );
    }));

  test("top_k, top_p and categorical, scores removed before them included", () =>
    check(fc.tuple(size(4), size(400), size(3)), async ([b, n, keep], seed) => {
      const scores = (t: ops.Tracer) => t.input("x", { dtype: "f32", shape: [b, n] });
      const row = (t: ops.Tracer, name: string, dtype: "f32" | "i32") => t.input(name, { dtype, shape: [b] });
      await expectKernel(engine(), (t) => ops.topK(scores(t), row(t, "k", "i32"), keep), seed);
      await expectKernel(engine(), (t) => ops.topP(scores(t), row(t, "p", "f32"), keep), seed);
      await expectKernel(
        engine(),
        (t) => ops.topP(ops.topK(scores(t), row(t, "k", "i32"), keep), row(t, "p", "f32"), 1),
        seed,
      );
      await expectKernel(engine(), (t) => ops.categorical(scores(t), row(t, "u", "f32")), seed);
    }));
});
