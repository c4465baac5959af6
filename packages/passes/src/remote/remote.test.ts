import { add, FusewireError, NodeTable, numbersOf, param, tensorType, toValue, trace } from "@fusewire/ir";
import { expect, test } from "vitest";
import { compileModule } from "../compile_module.ts";
import type { Engine, WeightSource } from "../engine/engine.ts";
import { createReferenceEngine } from "../engine/reference_engine.ts";
import { selfTest } from "../self_test/self_test.ts";
import { expectDisposedRefused } from "../testing/disposal.ts";
import { createPorts } from "../testing/ports.ts";
import { connectEngine } from "./connect_engine.ts";
import { type OpenSource, serveEngine } from "./serve_engine.ts";

const PAIR = tensorType("f32", [2]);
const module = trace({
  sum: (t) => {
    const total = add(add(t.state("total", PAIR), t.param("w", PAIR)), t.input("x", PAIR));
    t.write("total", total);
    return { total };
  },
});
const INPUTS = new Map([["x", toValue(PAIR, [1, 2])]]);
const noSource: OpenSource = async () => {
  throw new Error("no recipe was expected");
};

async function connect(
  open: (given: unknown) => Promise<Engine> = async () => createReferenceEngine(),
  openSource = noSource,
) {
  const [here, there] = createPorts();
  serveEngine(there, open, openSource);
  return { engine: await connectEngine(here, { device: "x" }), port: here };
}

test("every kernel gives what the interpreter gives, and disposed things are refused", async () => {
  const { engine } = await connect();
  expect(await selfTest(engine)).toMatchObject({ ok: true, row_stable: true });
  await expectDisposedRefused(engine);
});

test("a module is lowered beside the engine, states live there, weights come by name", async () => {
  const { engine } = await connect();
  const read: string[] = [];
  const weights = engine.createWeights(async (name) => {
    read.push(name);
    return toValue(PAIR, [10, 20]);
  });
  const executable = await compileModule(engine, module, weights, {});
  expect(executable.launches).toBeGreaterThan(0);
  const states = engine.createStates(module.states);
  const steps = await engine.runTimes(executable, states, INPUTS, 2);
  expect(steps.map((outputs) => numbersOf(outputs.get("total")!))).toEqual([
    [11, 22],
    [22, 44],
  ]);
  expect(read).toEqual(["w"]);
  const wider = await engine.copyStates(states, [{ name: "total", type: tensorType("f32", [3]) }]);
  expect(numbersOf(await engine.readState(wider, "total"))).toEqual([22, 44, 0]);
  expect(engine.held().tensors).toBeGreaterThan(0);
  await engine.dispose();
  expect(engine.held()).toEqual({ bytes: 0, tensors: 0 });
});

test("a source with a recipe is opened beside the engine, and asks and tells this thread", async () => {
  const openSource: OpenSource = async ({ recipe, ask, tell }) => {
    expect(recipe).toEqual({ scale: 10 });
    return async (name) => {
      const bytes = (await ask({ name })) as Uint8Array;
      tell({ read: name });
      return toValue(PAIR, [...bytes]);
    };
  };
  const { engine } = await connect(undefined, openSource);
  const heard: unknown[] = [];
  const source: WeightSource = Object.assign(
    async () => {
      throw new Error("values were to be read over there");
    },
    {
      elsewhere: {
        recipe: { scale: 10 },
        answer: async (request: unknown) => {
          expect(request).toEqual({ name: "w" });
          return Uint8Array.of(3, 4);
        },
        hear: (event: unknown) => void heard.push(event),
      },
    },
  );
  const executable = await compileModule(engine, module, engine.createWeights(source), {});
  const outputs = await engine.run(executable, engine.createStates(module.states), INPUTS);
  expect(numbersOf(outputs.get("total")!)).toEqual([4, 6]);
  expect(heard).toEqual([{ read: "w" }]);
});

test("a value is computed from weights beside the engine, for another one that is here", async () => {
  const { engine } = await connect();
  const weights = engine.createWeights(async () => toValue(PAIR, [10, 20]));
  const w = param(new NodeTable(), "w", PAIR);
  expect(await engine.prepare(add(w, w), weights)).toEqual(toValue(PAIR, [20, 40]));
  weights.dispose();
  expect(() => engine.prepare(w, weights)).toThrow("the weights were disposed");
});

test("errors keep what programs tell them apart by", async () => {
  const { engine } = await connect();
  const full = Object.assign(new FusewireError("no room"), { fault: "out-of-memory", bytes: 7 });
  const weights = engine.createWeights(() => Promise.reject(full));
  const failure = compileModule(engine, module, weights, {});
  await expect(failure).rejects.toThrow("no room");
  await expect(failure).rejects.toBeInstanceOf(FusewireError);
  await expect(failure).rejects.toMatchObject({ fault: "out-of-memory", bytes: 7 });
  const refused = connect(() => Promise.reject(new FusewireError("no such device")));
  await expect(refused).rejects.toThrow("no such device");
});

test("states that cannot be made are an error of their first use", async () => {
  const { engine } = await connect(async () => ({
    ...createReferenceEngine(),
    createStates() {
      throw new FusewireError("too large");
    },
  }));
  const states = engine.createStates(module.states);
  await expect(engine.readState(states, "total")).rejects.toThrow("too large");
});

test("a thread that ends fails what waits for it and all that comes later", async () => {
  const never = new Promise<never>(() => {});
  const { engine, port } = await connect();
  const waiting = compileModule(
    engine,
    module,
    engine.createWeights(() => never),
    {},
  );
  port.fail("the worker has failed");
  await expect(waiting).rejects.toThrow("the worker has failed");
  const later = compileModule(
    engine,
    module,
    engine.createWeights(() => never),
    {},
  );
  await expect(later).rejects.toThrow("the worker has failed");
  await engine.dispose();
});
