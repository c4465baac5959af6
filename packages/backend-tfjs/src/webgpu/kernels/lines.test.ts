import * as ir from "@fusewire/ir";
import fc from "fast-check";
import { expect, test } from "vitest";
import { computeWith } from "../../testing/agreement.ts";
import { check } from "../../testing/arbitrary.ts";
import { expectOutputs } from "../../testing/outputs.ts";
import { onEachVariant } from "../../testing/webgpu.ts";

const RUNS = 4;
const INF = Number.POSITIVE_INFINITY;
const f32 = (t: ir.Tracer, name: string, shape: ir.Shape) => t.param(name, ir.tensorType("f32", shape));

/** Short lines and such as all lanes work on, along the last axis and others. */
const lines = fc.record({
  outer: fc.integer({ min: 1, max: 3 }),
  n: fc.constantFrom(1, 2, 5, 64, 300, 517),
  inner: fc.constantFrom(1, 1, 2),
});

onEachVariant((engine) => {
  test("reductions and running sums along an axis", () =>
    check(
      lines,
      ({ outer, n, inner }, seed) =>
        expectOutputs(
          engine(),
          (t) => {
            const x = f32(t, "x", [outer, n, inner]);
            const k = t.param("k", ir.tensorType("i32", [outer, n, inner]));
            return {
              sum: ir.reduceSum(x, 1),
              max: ir.reduceMax(x, 1),
              argmax: ir.argmax(x, 1),
              cumsum: ir.cumsum(x, 1),
              sums: ir.reduceSum(k, 1),
              largest: ir.reduceMax(k, 1),
              first: ir.argmax(k, 1),
              running: ir.cumsum(k, 1),
            };
          },
          seed,
          5e-5,
        ),
      RUNS,
    ));

  test("norms and softmax of lines", () =>
    check(
      lines,
      ({ outer, n }, seed) =>
        expectOutputs(
          engine(),
          (t) => {
            const x = f32(t, "x", [outer, n]);
            const [w, b] = [f32(t, "w", [n]), f32(t, "b", [n])];
            return {
              softmax: ir.softmax(ir.mul(x, 20)),
              rms: ir.rmsNorm(x, w, 1e-5),
              layer: ir.layerNorm(x, w, b, 1e-2),
            };
          },
          seed,
        ),
      RUNS,
    ));

  test("rotary", () =>
    check(
      fc.tuple(...[3, 3, 7, 9].map((max) => fc.integer({ min: 1, max }))),
      ([b, heads, t, half], seed) =>
        expectOutputs(
          engine(),
          (tracer) => {
            const [cos, sin] = ["cos", "sin"].map((name) => f32(tracer, name, [b!, t!, half!]));
            return { y: ir.rotary(f32(tracer, "x", [b!, heads!, t!, 2 * half!]), cos!, sin!) };
          },
          seed,
        ),
      RUNS,
    ));

  test("argmax takes the first of equals and never NaN", async () => {
    const padding = new Array<number>(296).fill(-INF);
    const rows = [
      [1, 5, 5, 2],
      [-INF, -INF, -INF, -INF],
      [Number.NaN, 1, 2, 2],
      [1, Number.NaN, 0, 1],
      [-INF, -3, INF, INF],
    ];
    for (const more of [[], padding]) {
      const n = 4 + more.length;
      const x = ir.toValue(
        ir.tensorType("f32", [5, n]),
        rows.flatMap((row) => [...row, ...more]),
      );
      const found = await computeWith(engine(), (t) => ir.argmax(f32(t, "x", [5, n])), { params: { x } });
      expect([...found.data]).toEqual([1, 0, 2, 0, 2]);
    }
  });

  test("softmax gives 0 for -inf, and NaN for a line of nothing else", async () => {
    const x = ir.toValue(ir.tensorType("f32", [2, 3]), [-INF, 0, 0, -INF, -INF, -INF]);
    const found = await computeWith(engine(), (t) => ir.softmax(f32(t, "x", [2, 3])), { params: { x } });
    expect([...found.data]).toEqual([0, 0.5, 0.5, Number.NaN, Number.NaN, Number.NaN]);
  });
});
