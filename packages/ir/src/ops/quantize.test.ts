import fc from "fast-check";
import { expect, test } from "vitest";
import { evaluate } from "../interpret.ts";
import { integers, type Layout, q4, q7, q8 } from "../layouts/index.ts";
import type { Node } from "../node.ts";
import { NodeTable } from "../table.ts";
import { randomValue } from "../testing/environment.ts";
import { numbersOf, toValue, type Value } from "../value.ts";
import * as ops from "./index.ts";

const table = new NodeTable();
const run = (node: Node): Value => evaluate([node], {}).get(node)!;
const of = (shape: readonly number[], ...numbers: number[]) =>
  ops.constantFromValue(table, toValue({ dtype: "f32", shape }, numbers));
const random = (shape: readonly number[], seed: number) =>
  ops.constantFromValue(table, randomValue({ dtype: "f32", shape }, seed));

/** Sum of squares of what quantizing with these scales loses. */
function loss(x: Node, scales: Node, layout: Layout): number {
  const back = run(ops.dequantize(ops.quantizeRows(x, scales, layout), scales, layout));
  return numbersOf(run(x)).reduce((sum, value, k) => sum + (value - back.data[k]!) ** 2, 0);
}

test("scales and codes by hand: halves go to even, a group of zeros stays zero", () => {
  const x = of([1, 8], 63, -31.5, 0.5, 1.5, 0, 0, 0, 0);
  const scales = ops.groupScales(x, q7(4));
  expect(numbersOf(run(scales))).toEqual([1, 0]);
  expect(numbersOf(run(ops.quantizeRows(x, scales, q7(4))))).toEqual([63, -32, 0, 2, 0, 0, 0, 0]);
  const four = of([1, 4], 9, -8, 7.6, -9);
  expect(numbersOf(run(ops.quantizeRows(four, of([1, 1], 1), q4(4))))).toEqual([7, -8, 7, -8]);
});

test("codes never leave their range, and the error is at most half a step", () => {
  fc.assert(
    fc.property(fc.nat(), fc.constantFrom(7, 8), (seed, bits) => {
      const x = random([3, 32], seed);
      const scales = ops.groupScales(x, integers(bits, 16));
      const steps = numbersOf(run(scales));
      const back = run(
        ops.dequantize(ops.quantizeRows(x, scales, integers(bits, 16)), scales, integers(bits, 16)),
      );
      for (const [k, value] of run(x).data.entries())
        expect(Math.abs(value - back.data[k]!)).toBeLessThanOrEqual(0.5001 * steps[Math.floor(k / 16)]!);
    }),
  );
});

test("zeros are taken off the codes of their group, which may leave the range of bytes", () => {
  const codes = ops.constantFromValue(table, toValue({ dtype: "i8", shape: [1, 4] }, [127, -8, 3, 0]));
  const layout = { ...q8(2), zeros: "integer" } as const;
  const zeros = ops.constantFromValue(table, toValue({ dtype: "i8", shape: [1, 2] }, [-128, 3]));
  const back = ops.dequantize(codes, of([1, 2], 2, 0.5), layout, { zeros });
  expect(numbersOf(run(back))).toEqual([510, 240, 0, -1.5]);
  expect(() => ops.dequantize(codes, of([1, 2], 2, 0.5), layout, { zeros: codes })).toThrow(
    "takes zeros i8[1,2]",
  );
});

test("scales of another dtype are refused, whose words would be read as numbers", () => {
  const codes = ops.constantFromValue(table, toValue({ dtype: "i8", shape: [1, 4] }, [1, 2, 3, 4]));
  const scales = ops.constant(table, [1, 1], "f16", [1, 2]);
  expect(() => ops.dequantize(codes, scales, q8(2))).toThrow("scales f32[…, k / group]");
});

test("a searched scale loses no more than the plain one", () => {
  fc.assert(
    fc.property(fc.nat(), (seed) => {
      const x = random([2, 32], seed);
      const [plain, searched] = [false, true].map((search) =>
        loss(x, ops.groupScales(x, q4(32), search), q4(32)),
      );
      expect(searched).toBeLessThanOrEqual(plain! * (1 + 1e-6));
    }),
  );
});

test("the product is that of what the integers stand for, with every epilogue", () => {
  fc.assert(
    fc.property(fc.nat(), fc.boolean(), fc.boolean(), fc.boolean(), (seed, gated, bias, residual) => {
      const [x, w] = [random([3, 16], seed), random([6, 16], seed + 1)];
      const [xs, ws] = [ops.groupScales(x, q7(8)), ops.groupScales(w, q8(8))];
      const [xq, wq] = [ops.quantizeRows(x, xs, q7(8)), ops.quantizeRows(w, ws, q8(8))];
      const [rows, weight] = [ops.dequantize(xq, xs, q7(8)), ops.dequantize(wq, ws, q8(8))];
      const extras = {
        ...(bias && { bias: random([6], seed + 2) }),
        ...(residual && !gated && { residual: random([3, 6], seed + 3) }),
      };
      const options = { layout: q8(8), activation: "silu", gated, ...extras } as const;
      const actual = run(ops.quantizedMatmul(xq, xs, wq, ws, options));
      const expected = gated
        ? ops.gatedLinear(rows, weight, "silu", extras.bias)
        : ops.linear(rows, weight, { activation: "silu", ...extras });
      for (const [k, value] of run(expected).data.entries()) expect(actual.data[k]).toBeCloseTo(value, 4);
    }),
  );
});

test("a product takes rows of 7 bits and weights of its own: more is refused where it is built, or where it is computed", () => {
  const codes = (bits: number, rows = 16) => {
    const x = random([rows, 16], bits);
    const scales = ops.groupScales(x, integers(bits, 8));
    return [ops.quantizeRows(x, scales, integers(bits, 8)), scales] as const;
  };
  const product = (x: Node, bits: 8 | 4, weight = bits) =>
    ops.quantizedMatmul(x, codes(7)[1], ...codes(weight), { layout: integers(bits, 8) });
  expect(() => product(codes(8)[0], 8)).toThrow("takes rows of 7 bits, not 8; give quantize_rows 7 bits");
  // Moving them does not make them smaller.
  const moved = ops.reshape(ops.concat([codes(7, 8)[0], codes(8, 8)[0]], 0), [16, 16]);
  expect(() => product(moved, 8)).toThrow("takes rows of 7 bits, not 8");
  expect(() => product(codes(7)[0], 4, 8)).toThrow("takes weights of 4 bits, not 8");
  expect(() => ops.dequantize(...codes(8), q4(8))).toThrow("takes codes of 4 bits, not 8");
  expect(() => product(codes(4)[0], 8, 4)).not.toThrow();

  const bytes = (value: number) => ops.constant(table, value, "i8", [16, 16]);
  for (const inside of [-64, 63]) expect(() => run(product(bytes(inside), 8))).not.toThrow();
  expect(() => run(product(bytes(64), 8))).toThrow("takes rows from -64 to 63, and one is 64");
  const weight = (value: number) =>
    ops.quantizedMatmul(...codes(7), bytes(value), codes(4)[1], { layout: q4(8) });
  expect(() => run(weight(-8))).not.toThrow();
  expect(() => run(weight(8))).toThrow("takes weights from -8 to 7, and one is 8");
});

test("what does not fit is refused", () => {
  const x = random([2, 12], 0);
  expect(() => ops.groupScales(x, q8(8))).toThrow("groups of 8 do not divide rows of 12");
  expect(() => ops.groupScales(x, { ...q4(4), bits: 5 })).toThrow("integers of 4, 7 or 8 bits");
  expect(() => ops.quantizeRows(x, x, q8(4))).toThrow("takes scales f32[2,3]");
});
