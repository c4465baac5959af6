import { expect, test } from "vitest";
import type { DType } from "../dtype.ts";
import { evaluate } from "../interpret.ts";
import type { Node } from "../node.ts";
import { NodeTable } from "../table.ts";
import { expectClose } from "../testing/index.ts";
import { type Shape, sizeOf } from "../type.ts";
import { numbersOf, toValue } from "../value.ts";
import * as ops from "./index.ts";

const table = new NodeTable();
const run = (node: Node) => evaluate([node], {}).get(node)!;
const floats = (shape: Shape, ...numbers: number[]) => ops.constant(table, numbers, "f32", shape);
const ints = (shape: Shape, ...numbers: number[]) => ops.constant(table, numbers, "i32", shape);

const expectValues = (node: Node, ...numbers: number[]) =>
  expectClose(run(node), toValue({ dtype: "f32", shape: node.type.shape }, numbers), 1e-6);

test("softmax, silu and rms_norm by hand", () => {
  expectValues(ops.softmax(floats([2, 2], 0, Math.log(3), 1000, 1000)), 0.25, 0.75, 0.5, 0.5);
  expectValues(ops.silu(floats([3], 0, 1, -1)), 0, 1 / (1 + Math.exp(-1)), -1 / (1 + Math.E));
  expectValues(
    ops.rmsNorm(floats([1, 2], 3, 4), floats([2], 1, 2), 0),
    3 / Math.sqrt(12.5),
    8 / Math.sqrt(12.5),
  );
  expectValues(ops.rmsNorm(floats([1, 2], 0, 0), floats([2], 1, 2), 1e-5), 0, 0);
  expectValues(ops.relu(floats([3], -1, 0, 2)), 0, 0, 2);
  const tanh = Math.tanh(Math.sqrt(2 / Math.PI) * 1.044715);
  expectValues(ops.geluTanh(floats([3], 0, 1, -1)), 0, 0.5 + tanh / 2, tanh / 2 - 0.5);
  const norm = ops.layerNorm(floats([1, 2], 1, 3), floats([2], 2, 3), floats([2], 10, 20), 3);
  expectValues(norm, 9, 21.5);
  expect(() => ops.layerNorm(floats([], 1), floats([], 1), floats([], 1), 1)).toThrow("a scalar has no axis");
  expect(() => ops.rmsNorm(floats([], 1), floats([], 1), 1)).toThrow("a scalar has no axis");
  expect(() => ops.rmsNorm(floats([1, 2], 1, 2), floats([1], 1), 1)).toThrow("the weight must be f32[2]");
});

test("numbers beyond f32 on the way are infinite, as in PyTorch", () => {
  // LlamaRMSNorm of transformers 5.24; layer_norm, silu and gelu of torch.
  expectValues(ops.rmsNorm(floats([1, 2], 1e20, 1e20), floats([2], 1, 1), 1e-5), 0, 0);
  const infinite = floats([1, 2], Number.POSITIVE_INFINITY, 1);
  expectValues(ops.rmsNorm(infinite, floats([2], 1, 1), 1e-5), Number.NaN, 0);
  const unit = [floats([2], 1, 1), floats([2], 0, 0)] as const;
  expectValues(ops.layerNorm(floats([1, 2], 1e20, -1e20), ...unit, 1e-5), 0, 0);
  expect(numbersOf(run(ops.silu(floats([2], -100, -88.8))))).toEqual([-0, -0]);
  expect(numbersOf(run(ops.geluTanh(floats([2], 1e38, -1e38))))).toEqual([Math.fround(1e38), -0]);
});

test("rotary turns the halves of a head", () => {
  const angle = 0.3;
  const [c, s] = [Math.cos(angle), Math.sin(angle)];
  const x = floats([1, 1, 1, 4], 1, 2, 3, 4);
  const turned = ops.rotary(x, floats([1, 1, 2], c, 1), floats([1, 1, 2], s, 0));
  expectValues(turned, c - 3 * s, 2, 3 * c + s, 4);
  expect(() => ops.rotary(x, floats([1, 1, 1], c), floats([1, 1, 2], s, 0))).toThrow(
    "takes x f32[B, heads, T, D]",
  );
  expect(() => ops.rotary(x, ints([1, 1, 2], 1, 1), floats([1, 1, 2], s, 0))).toThrow(
    "takes x f32[B, heads, T, D]",
  );
});

test("linear and gated_linear by hand", () => {
  const x = floats([1, 2], 1, 2);
  const weight = floats([2, 2], 1, 0, 1, 1);
  const silu = (z: number) => z / (1 + Math.exp(-z));
  expectValues(ops.linear(x, weight), 1, 3);
  const all = { activation: "silu", bias: floats([2], 1, -1), residual: floats([1, 2], 10, 20) } as const;
  expectValues(ops.linear(x, weight, all), 10 + silu(2), 20 + silu(2));
  expectValues(ops.gatedLinear(x, weight, "silu"), silu(1) * 3);
  expectValues(ops.gatedLinear(x, weight, "none", floats([2], 1, -1)), 2 * 2);
  expect(() => ops.linear(x, weight, { bias: ints([2], 1, 1) })).toThrow("bias and residual must be f32");
  expect(() => ops.linear(x, weight, { residual: floats([2], 1, 1) })).toThrow(
    "the residual must be f32[1,2]",
  );
  expect(() => ops.gatedLinear(x, floats([3, 2], 1, 2, 3, 4, 5, 6), "silu")).toThrow(
    "as many gate rows as up rows",
  );
});

test("attention over a run of keys, heads sharing a key head, rows by number", () => {
  // With a key of zeros all scores are equal: the result is the mean of the run's values.
  const keys = floats([2, 1, 4, 1], ...new Array<number>(8).fill(0));
  const values = floats([2, 1, 4, 1], 1, 2, 3, 4, 10, 20, 30, 40);
  const q = floats([1, 2, 3, 1], ...new Array<number>(6).fill(1));
  const attend = (row: number, lo: number[], hi: number[]) =>
    ops.attention(q, keys, values, ints([1], row), ints([1, 3], ...lo), ints([1, 3], ...hi), { scale: 1 });
  expectValues(attend(1, [0, 0, 2], [0, 1, 3]), 10, 15, 35, 10, 15, 35);
  // Beyond the slots is cut off; an empty run is zeros.
  expectValues(attend(0, [-5, 2, 4], [1, 1, 9]), 1.5, 0, 0, 1.5, 0, 0);
});

test("attention over a ring finds key j in slot j mod S", () => {
  const keys = floats([1, 1, 4, 1], 0, 0, 0, 0);
  // Keys 4 and 5 have taken the slots of 0 and 1.
  const values = floats([1, 1, 4, 1], 40, 50, 20, 30);
  const q = floats([1, 1, 2, 1], 1, 1);
  const attend = (lo: number[], hi: number[]) =>
    ops.attention(q, keys, values, ints([1], 0), ints([1, 2], ...lo), ints([1, 2], ...hi), {
      scale: 1,
      ring: true,
    });
  expectValues(attend([2, 3], [4, 5]), 30, 40);
  expectValues(attend([5, -3], [5, 1]), 50, 45);
  expectValues(attend([6, 4], [5, 5]), 0, 45);
});

test("attention scales, caps and weighs", () => {
  const keys = floats([1, 1, 2, 2], 1, 0, 0, 1);
  const values = floats([1, 1, 2, 1], 0, 1);
  const q = floats([1, 1, 1, 2], 4, 2);
  const attend = (softcap: number) =>
    ops.attention(q, keys, values, ints([1], 0), ints([1, 1], 0), ints([1, 1], 1), { scale: 0.5, softcap });
  const second = (a: number, b: number) => Math.exp(b) / (Math.exp(a) + Math.exp(b));
  expectValues(attend(0), second(2, 1));
  expectValues(attend(1.5), second(1.5 * Math.tanh(2 / 1.5), 1.5 * Math.tanh(1 / 1.5)));
});

test("a fused body: literals, order and mistakes", () => {
  const x = floats([2], 3, -1);
  expectValues(ops.fusedElementwise([x], ["mul $0 0.5", "sub 1 %0", "max %1 $0"]), 3, 1.5);
  expectValues(ops.fusedElementwise([x], ["silu $0"]), ...numbersOf(run(ops.silu(x))));
  const wide = ops.fusedElementwise([floats([1], 2), x], ["neg $0"]);
  expect(sizeOf(wide.type.shape)).toBe(2);
  for (const [body, message] of [
    [[], "the body is empty"],
    [["matmul $0 $0"], "does not start with an elementwise op"],
    [["constructor $0"], "does not start with an elementwise op"],
    [["add $0"], "'add $0' needs 2 operands"],
    [["neg $0 $0"], "'neg $0 $0' needs 1 operands"],
    [["neg $1"], "operand '$1' of 'neg $1' is not defined before it"],
    [["neg %0"], "operand '%0' of 'neg %0' is not defined before it"],
    [["neg $-1"], "operand '$-1'"],
    [["neg $"], "operand '$'"],
    [["neg "], "operand ''"],
    [["neg x"], "operand 'x'"],
    [["and $0 $0"], "takes bool"],
  ] as const)
    expect(() => ops.fusedElementwise([x], body)).toThrow(message);
});

test("attention takes caches of one dtype, and scales with bytes alone", () => {
  const of = (dtype: DType, shape: readonly number[]) => ops.constant(table, 0, dtype, shape);
  const attend = (keys: DType, values: DType, scales: readonly Node[] = []) =>
    ops.attention(
      of("f32", [1, 2, 1, 4]),
      of(keys, [1, 1, 3, 4]),
      of(values, [1, 1, 3, 4]),
      of("i32", [1]),
      of("i32", [1, 1]),
      of("i32", [1, 1]),
      { scale: 1, scales },
    );
  const scale = of("f32", [1, 1, 3, 1]);
  expect(attend("i8", "i8", [scale, scale]).type.shape).toEqual([1, 2, 1, 4]);
  const refused: [DType, DType, Node[]][] = [
    ["f16", "f32", []],
    ["bf16", "bf16", []],
    ["i8", "i8", []],
    ["i8", "i8", [scale, of("f32", [1, 1, 3, 4])]],
    ["f16", "f16", [scale, scale]],
  ];
  for (const [keys, values, scales] of refused)
    expect(() => attend(keys, values, scales)).toThrow("both as f32, both as f16, or both as i8 with scales");
});
