import fc from "fast-check";
import { expect, test } from "vitest";
import { interpret } from "../interpret.ts";
import { rootsOf, topological, trace } from "../module.ts";
import type { OpName } from "../node.ts";
import * as ops from "../ops/index.ts";
import { defOf, OPS } from "../ops/table.ts";
import { numbersOf, toValue } from "../value.ts";
import { verify } from "../verify.ts";
import { arbitraryModule, expandModule, expectClose, expectSameMeaning, randomEnvironment } from "./index.ts";

// Many cases a test, on machines that may be busy.

test("random modules verify and mean the same with every composite expanded", () => {
  fc.assert(
    fc.property(arbitraryModule(), fc.nat(), (module, seed) => {
      verify(module);
      const expanded = expandModule(module);
      verify(expanded, (node) => !defOf(node).expand);
      expectSameMeaning(expanded, module, seed, 0);
    }),
    { numRuns: 200 },
  );
});

test("random modules stay finite and reach every op", () => {
  const missing = new Set(Object.keys(OPS) as OpName[]);
  for (const module of fc.sample(arbitraryModule(), { numRuns: 500, seed: 1 }))
    for (const entry of module.entries) {
      for (const node of topological(rootsOf(entry))) missing.delete(node.op);
      for (const { data } of interpret(module, entry.name, randomEnvironment(module, 1)).outputs.values())
        expect(data.every((x) => Number.isFinite(x))).toBe(true);
    }
  // Only the pass hoist_prepare makes prepared values; and rounding to few bits flips where another order of a sum
  // differs by the last bit of an f32, so that no tolerance could be tight (see ops/quantize.test.ts).
  const quantized = ["group_scales", "quantize_rows", "dequantize", "quantized_matmul"];
  expect([...missing].sort()).toEqual(["prepared", ...quantized].sort());
});

test("values depend on the seed and on the name, and hold both zeros", () => {
  const type = { dtype: "f32", shape: [400] } as const;
  const module = trace({ main: (t) => ({ y: ops.add(t.input("x", type), t.param("w", type)) }) });
  const [one, same, other] = [1, 1, 2].map((seed) => randomEnvironment(module, seed));
  const x = numbersOf(one!.inputs("x"));
  expect(numbersOf(same!.inputs("x"))).toEqual(x);
  expect(numbersOf(other!.inputs("x"))).not.toEqual(x);
  expect(numbersOf(one!.params("w"))).not.toEqual(x);
  expect([0, -0].map((zero) => x.some((number) => Object.is(number, zero)))).toEqual([true, true]);
});

test("comparison sees a wrong type, number, infinity and sign of zero", () => {
  const value = (...numbers: number[]) => toValue({ dtype: "f32", shape: [numbers.length] }, numbers);
  const compare = (a: number[], b: number[]) => () => expectClose(value(...a), value(...b), 1e-5);
  expect(
    compare([1, Number.NaN, Number.POSITIVE_INFINITY], [1 + 1e-6, Number.NaN, Number.POSITIVE_INFINITY]),
  ).not.toThrow();
  expect(compare([1, 2], [1])).toThrow("f32[2] is not f32[1]");
  expect(compare([1], [1.001])).toThrow("element 0 is 1, not 1.00");
  expect(compare([1], [Number.NaN])).toThrow("not NaN");
  expect(compare([Number.POSITIVE_INFINITY], [Number.NEGATIVE_INFINITY])).toThrow("element 0");
  expect(compare([-0], [0])).not.toThrow();
  expect(() => expectClose(value(-0), value(0), 0)).toThrow("element 0 is -0, not 0");
});
