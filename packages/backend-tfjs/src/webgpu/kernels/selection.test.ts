import * as ir from "@fusewire/ir";
import fc from "fast-check";
import { expect, test } from "vitest";
import { computeWith } from "../../testing/agreement.ts";
import { check } from "../../testing/arbitrary.ts";
import { onEachVariant } from "../../testing/webgpu.ts";

/** Scores of few levels, so that most have equals, or of many; each row with an option of its own. */
const rows = fc.record({
  batch: fc.integer({ min: 1, max: 3 }),
  vocabulary: fc.constantFrom(1, 5, 64, 300),
  levels: fc.constantFrom(3, 1000),
  keep: fc.constantFrom(1, 3),
  k: fc.array(fc.integer({ min: -1, max: 70 }), { minLength: 3, maxLength: 3 }),
  p: fc.array(fc.double({ min: 0.01, max: 1.2, noNaN: true }), { minLength: 3, maxLength: 3 }),
  u: fc.array(fc.double({ min: 0, max: 0.999, noNaN: true }), { minLength: 3, maxLength: 3 }),
});

onEachVariant((engine) => {
  test("top_k, top_p and draws are the interpreter's, token for token", () =>
    check(
      rows,
      async ({ batch, vocabulary, levels, keep, k, p, u }, seed) => {
        const draws = Array.from({ length: batch * vocabulary }, (_, i) => {
          const level = ir.hash32((seed ^ ir.hash32(i)) >>> 0) % levels;
          return (level / levels) * 8 - 4;
        });
        // Odd multiples of 2^-9 keep sums away from where rounding would decide.
        const inside = (x: number) => (Math.floor(x * 256) + 0.5) / 256;
        const column = (dtype: ir.DType, of: readonly number[]) =>
          ir.toValue(ir.tensorType(dtype, [batch]), of.slice(0, batch));
        const scores = ir.toValue(ir.tensorType("f32", [batch, vocabulary]), draws);
        const params = {
          scores,
          k: column("i32", k),
          p: column("f32", p.map(inside)),
          u: column("f32", u.map(inside)),
        };
        const read = (t: ir.Tracer, name: keyof typeof params) => t.param(name, params[name].type);
        for (const build of [
          (t: ir.Tracer) => ir.topK(read(t, "scores"), read(t, "k"), keep),
          (t: ir.Tracer) => ir.topP(read(t, "scores"), read(t, "p"), keep),
          (t: ir.Tracer) => ir.categorical(read(t, "scores"), read(t, "u")),
        ]) {
          const found = await computeWith(engine(), build, { params });
          const module = ir.trace({ y: (t) => ({ y: build(t) }) });
          const { outputs } = ir.interpret(module, "y", { params: (name) => params[name as "k"] });
          expect([...found.data]).toEqual([...outputs.get("y")!.data]);
        }
      },
      8,
    ));

  test("uniform numbers and occurrences, bit for bit", async () => {
    const seeds = Array.from({ length: 100 }, (_, i) => ir.hash32(i));
    const positions = seeds.map((seed) => (seed % 4096) - 7);
    const params = {
      seed: ir.toValue(ir.tensorType("u32", [100]), seeds),
      position: ir.toValue(ir.tensorType("i32", [100]), positions),
      ids: ir.toValue(
        ir.tensorType("i32", [4, 25]),
        positions.map((x) => x % 40),
      ),
      lengths: ir.toValue(ir.tensorType("i32", [4]), [0, 25, 99, -3]),
    };
    const read = (t: ir.Tracer, name: keyof typeof params) => t.param(name, params[name].type);
    for (const build of [
      (t: ir.Tracer) => ir.uniform(read(t, "seed"), read(t, "position"), "choose"),
      (t: ir.Tracer) => ir.uniform(read(t, "seed"), read(t, "position"), "beam"),
      (t: ir.Tracer) => ir.occurs(read(t, "ids"), read(t, "lengths"), 37),
    ]) {
      const found = await computeWith(engine(), build, { params });
      const module = ir.trace({ y: (t) => ({ y: build(t) }) });
      const { outputs } = ir.interpret(module, "y", { params: (name) => params[name as "ids"] });
      expect([...found.data]).toEqual([...outputs.get("y")!.data]);
    }
  });
});
