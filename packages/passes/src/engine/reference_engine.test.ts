import { add, matmul, type Node, silu, tensorType, toValue, trace, type Value } from "@fusewire/ir";
import { expect, test } from "vitest";
import { lower } from "../pipeline.ts";
import { createReferenceEngine } from "./reference_engine.ts";

const VECTOR = tensorType("f32", [1, 2]);
const module = trace({
  step: (t) => {
    const product = (name: string): Node =>
      matmul(t.input("x", VECTOR), t.param(name, tensorType("f32", [2, 2])), { transposeB: true });
    const sum = add(t.state("sum", VECTOR), add(product("a"), silu(product("b"))));
    t.write("sum", sum);
    return { sum };
  },
});
const weights: Record<string, Value> = {
  a: toValue(tensorType("f32", [2, 2]), [1, 0, 0, 1]),
  b: toValue(tensorType("f32", [2, 2]), [0, 0, 0, 0]),
};

test("runs a lowered entry on shared weights and states of its own", async () => {
  const engine = createReferenceEngine();
  const read: string[] = [];
  const shared = engine.createWeights(async (name) => {
    read.push(name);
    return weights[name]!;
  });
  const lowered = lower(module, engine);
  const executable = await engine.compile(lowered, shared);
  await engine.compile(lowered, shared);
  expect([...new Set(read)].sort()).toEqual(["a", "b"]);
  expect(read).toHaveLength(2);

  const [first, second] = [engine.createStates(lowered.states), engine.createStates(lowered.states)];
  const inputs = new Map([["x", toValue(VECTOR, [1, 2])]]);
  await engine.run(executable, first, inputs);
  const outputs = await engine.run(executable, first, inputs);
  expect([...outputs.get("sum")!.data]).toEqual([2, 4]);
  expect([...(await engine.readState(first, "sum")).data]).toEqual([2, 4]);
  expect([...(await engine.readState(second, "sum")).data]).toEqual([0, 0]);
});

test("a caller who writes over what it gave or got changes no state", async () => {
  const engine = createReferenceEngine();
  const stored = trace({
    step: (t) => {
      const last = t.state("x", VECTOR);
      t.write("x", t.input("x", VECTOR));
      return { last };
    },
  });
  const lowered = lower(stored, engine);
  const executable = await engine.compile(
    lowered,
    engine.createWeights(async (name) => weights[name]!),
  );
  const states = engine.createStates(lowered.states);
  const given = toValue(VECTOR, [1, 2]);
  await engine.run(executable, states, new Map([["x", given]]));
  given.data.fill(9);
  const { data } = (await engine.run(executable, states, new Map([["x", given]]))).get("last")!;
  expect([...data]).toEqual([1, 2]);
});

test("what is disposed is no longer held", async () => {
  const engine = createReferenceEngine();
  const shared = engine.createWeights(async (name) => weights[name]!);
  const lowered = lower(module, engine);
  await engine.compile(lowered, shared);
  const states = engine.createStates(lowered.states);
  expect(engine.held().bytes).toBeGreaterThan(8);
  states.dispose();
  shared.dispose();
  expect(engine.held()).toEqual({ bytes: 0, tensors: 0 });
});

test("an input that is not given is an error with its name", async () => {
  const engine = createReferenceEngine();
  const lowered = lower(module, engine);
  const executable = await engine.compile(
    lowered,
    engine.createWeights(async (name) => weights[name]!),
  );
  await expect(engine.run(executable, engine.createStates(lowered.states), new Map())).rejects.toThrow(
    "entry 'step' was run without input 'x'",
  );
});
