import * as ir from "@fusewire/ir";
import fc from "fast-check";
import { expect, test } from "vitest";
import { computeWith } from "../../testing/agreement.ts";
import { check } from "../../testing/arbitrary.ts";
import { EVERYWHERE, onEachVariant } from "../../testing/webgpu.ts";
import { argsortKernel } from "./argsort.ts";

/** Lines that end before, at and behind a block and runs of blocks. */
const lines = fc.record({
  outer: fc.integer({ min: 1, max: 3 }),
  n: fc.constantFrom(1, 2, 63, 64, 65, 128, 129, 300, 517, 1000),
  levels: fc.constantFrom(2, 40, 2 ** 31),
  dtype: fc.constantFrom("f32" as const, "i32" as const),
  descending: fc.boolean(),
});

/** What floats have beside numbers, and integers at their ends. */
const ODD = {
  f32: [Number.NaN, -0, 0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 1e-45, -1e-45, 3.4e38],
  i32: [2 ** 31 - 1, -(2 ** 31), 0, -1],
} as const;

function draw(dtype: "f32" | "i32", shape: ir.Shape, levels: number, seed: number): ir.Value {
  const odd = ODD[dtype];
  const numbers = Array.from({ length: ir.sizeOf(shape) }, (_, k) => {
    const hash = ir.hash32((seed ^ ir.hash32(k)) >>> 0);
    return hash % 5 === 0 ? odd[(hash >>> 8) % odd.length]! : (hash % levels) - Math.floor(levels / 2);
  });
  const value = ir.toValue(ir.tensorType(dtype, shape), numbers);
  // What processors compute as NaN has the sign bit set, or not.
  const words = new Uint32Array(value.data.buffer);
  for (const [k, word] of words.entries())
    if (dtype === "f32" && word === 0x7fc00000 && k % 2) words[k] = 0xffc00000;
  return value;
}

/** The order that the interpreter gives. */
function expected(x: ir.Value, descending: boolean): number[] {
  const module = ir.trace({ y: (t) => ({ y: ir.argsort(t.param("x", x.type), descending) }) });
  return [...ir.interpret(module, "y", { params: () => x }).outputs.get("y")!.data];
}

onEachVariant((engine) => {
  const sort = async (x: ir.Value, descending: boolean) => [
    ...(await computeWith(engine(), (t) => ir.argsort(t.param("x", x.type), descending), { params: { x } }))
      .data,
  ];

  test("argsort is the interpreter's: equals by index, NaN above all, zeros alike, lines of any length", () =>
    check(
      lines,
      async ({ outer, n, levels, dtype, descending }, seed) => {
        const x = draw(dtype, [outer, n], levels, seed);
        expect(await sort(x, descending)).toEqual(expected(x, descending));
      },
      25,
    ));

  test("a vocabulary of 128k words is sorted", async () => {
    for (const [shape, levels] of [
      [[1, 128_256], 1000],
      [[1, 131_072], 2 ** 31],
    ] as const) {
      const x = draw("f32", shape, levels, 7);
      const [found, right] = [await sort(x, true), expected(x, true)];
      expect(found.findIndex((index, k) => index !== right[k])).toBe(-1);
    }
  });
});

test("launches grow with the logarithm of a line, and one pipeline merges runs of every length", () => {
  const plan = (n: number) => {
    const type = ir.tensorType("f32", [2, n]);
    const step = { reads: [type], write: { ...type, dtype: "i32" as const }, rows: "few" as const };
    return argsortKernel(
      { ...step, attrs: { descending: false } },
      { lanes: 32, shuffles: 1, chunks: "tiles", dot4: false, memory: EVERYWHERE },
    );
  };
  expect([1, 64, 65, 4096, 131_072].map((n) => plan(n).launches.length)).toEqual([1, 1, 2, 7, 12]);
  expect(new Set(plan(131_072).launches.map(({ code }) => code)).size).toBe(3);
  expect(plan(64).scratch).toEqual([]);
});
