import { expect, test } from "vitest";
import { evaluate, interpret } from "./interpret.ts";
import { trace } from "./module.ts";
import * as ops from "./ops/index.ts";
import { NodeTable } from "./table.ts";
import { randomValue } from "./testing/index.ts";
import { tensorType } from "./type.ts";
import { numbersOf, toValue } from "./value.ts";

const vector = tensorType("f32", [2]);
const value = (...numbers: number[]) => toValue(tensorType("f32", [numbers.length]), numbers);

const module = trace({
  step: ({ input, param, state, write }) => {
    const next = ops.add(ops.mul(input("x", vector), param("w", vector)), state("s", vector));
    write("s", next);
    return { next, old: state("s", vector) };
  },
});
const environment = { params: () => value(2, 3), states: () => value(10, 20), inputs: () => value(1, -1) };

test("an entry reads leaves, returns outputs and new states", () => {
  const { outputs, writes } = interpret(module, "step", environment);
  expect(numbersOf(outputs.get("next")!)).toEqual([12, 17]);
  expect(numbersOf(outputs.get("old")!)).toEqual([10, 20]);
  expect(numbersOf(writes.get("s")!)).toEqual([12, 17]);
});

test("values and names that are wrong", () => {
  expect(() => interpret(module, "other", environment)).toThrow("there is no entry 'other'; known: step");
  expect(() => interpret(module, "step", { ...environment, inputs: () => value(1) })).toThrow(
    "input 'x' is f32[1], not f32[2]",
  );
  const { inputs, params } = environment;
  expect(() => interpret(module, "step", { inputs, params })).toThrow("state 's' has no value here");
});

test("prepared values come from the environment, or from params", () => {
  const table = new NodeTable();
  const outputs = new Map([["y", ops.neg(ops.prepared(table, "p", vector))]]);
  const entries = [{ name: "main", inputs: [], outputs, writes: new Map() }];
  const prepare = new Map([["p", ops.add(ops.param(table, "w", vector), 1)]]);
  const prepared = { table, states: [], prepare, entries, layers: new Map() };
  const y = (given: Parameters<typeof interpret>[2]) =>
    numbersOf(interpret(prepared, "main", given).outputs.get("y")!);
  expect(y({ params: () => value(2, 3) })).toEqual([-3, -4]);
  expect(y({ prepared: () => value(7, 8) })).toEqual([-7, -8]);
  const missing = { ...prepared, prepare: new Map() };
  expect(() => interpret(missing, "main", {})).toThrow("'p' is not prepared by this module");
});

test("only roots are kept, also those that others read", () => {
  const table = new NodeTable();
  const x = ops.constant(table, [1, 2], "f32", [2]);
  const [inner, outer] = [ops.exp(x), ops.neg(ops.exp(x))];
  expect([...evaluate([outer], {}).keys()]).toEqual([outer]);
  expect(new Set(evaluate([inner, outer], {}).keys())).toEqual(new Set([inner, outer]));
});

test("no op changes its inputs", () => {
  const table = new NodeTable();
  const x = ops.constantFromValue(table, randomValue(tensorType("f32", [2, 4]), 1));
  const weight = ops.constantFromValue(table, randomValue(tensorType("f32", [4, 4]), 2));
  const linear = ops.linear(ops.reshape(x, [2, 4]), weight, { activation: "silu", residual: x });
  const roots = [x, ops.reshape(x, [8]), linear, ops.topP(x, ops.constant(table, [0.1, 0.2], "f32", [2]))];
  const values = evaluate(roots, {});
  expect(numbersOf(values.get(x)!)).toEqual(numbersOf(evaluate([x], {}).get(x)!));
  expect(numbersOf(values.get(roots[1]!)!)).toEqual(numbersOf(values.get(x)!));
});
