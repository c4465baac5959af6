/** What holds for the engine whatever it runs: order, reuse, what it refuses. */
import * as ir from "@fusewire/ir";
import { DisposedError, toLowered } from "@fusewire/passes";
import { expectDisposedRefused } from "@fusewire/passes/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type OpenDevice, openDevice } from "./device/open_device.ts";
import { createWebGpuEngine } from "./engine.ts";

const i32 = (...shape: number[]) => ir.tensorType("i32", shape);
const value = (...numbers: number[]) => ir.toValue(i32(numbers.length), numbers);

/** Adds an input to a running total, by way of scratch memory. */
const counter = () =>
  ir.trace({
    add: (t) => {
      const next = ir.mul(
        ir.add(t.state("total", i32(2)), t.input("by", i32(2))),
        ir.constant(t.table, 1, "i32"),
      );
      t.write("total", next);
      return { doubled: ir.add(next, next) };
    },
  });

const noWeights = async (): Promise<ir.Value> => Promise.reject(new Error("there are no weights"));

describe("on one device", () => {
  let device: OpenDevice;
  beforeAll(async () => {
    device = await openDevice();
  });
  afterAll(() => device.dispose());

  test("says that the adapter is a software one", () => {
    expect(device.facts.software).toBe(true);
  });

  test("steps started without waiting run in order, and nothing is built or allocated in 1,000 more", async () => {
    const engine = await createWebGpuEngine({ device });
    const module = counter();
    const executable = await engine.compile(toLowered(module), engine.createWeights(noWeights));
    const states = engine.createStates(module.states);
    const run = (by: number) => engine.run(executable, states, new Map([["by", value(by, 10 * by)]]));
    await Promise.all([run(1), run(2)]);
    const [counts, held] = [engine.counts(), engine.held()];
    const results = await Promise.all([run(3), run(4)]);
    expect(results.map((outputs) => [...outputs.get("doubled")!.data])).toEqual([
      [12, 120],
      [20, 200],
    ]);
    for (let k = 0; k < 1000; k++) await run(k);
    expect(engine.counts()).toEqual(counts);
    expect(engine.held()).toEqual(held);
    engine.dispose();
  });

  test("results are awaited where a slow platform is nudged", async () => {
    let awaited = 0;
    const arrive: OpenDevice["arrive"] = (work) => {
      awaited += 1;
      return device.arrive(work);
    };
    const engine = await createWebGpuEngine({ device: { ...device, arrive } });
    const module = counter();
    const executable = await engine.compile(toLowered(module), engine.createWeights(noWeights));
    const states = engine.createStates(module.states);
    await engine.run(executable, states, new Map([["by", value(1, 2)]]));
    expect(awaited).toBe(1);
    await engine.readState(states, "total");
    expect(awaited).toBe(2);
    engine.dispose();
  });

  test("several steps in one submit give what as many submits give", async () => {
    const engine = await createWebGpuEngine({ device });
    const module = counter();
    const executable = await engine.compile(toLowered(module), engine.createWeights(noWeights));
    const inputs = new Map([["by", value(1, 10)]]);
    for (const times of [1, 4, 16]) {
      const states = engine.createStates(module.states);
      const [first, second] = await Promise.all([
        engine.runTimes(executable, states, inputs, times),
        engine.runTimes(executable, states, inputs, times),
      ]);
      expect([...first, ...second].map((outputs) => [...outputs.get("doubled")!.data])).toEqual(
        Array.from({ length: 2 * times }, (_, k) => [2 * (k + 1), 20 * (k + 1)]),
      );
    }
    engine.dispose();
  });

  test("states are apart, whichever executable runs on them", async () => {
    const engine = await createWebGpuEngine({ device });
    const module = counter();
    const weights = engine.createWeights(noWeights);
    const programs = [
      await engine.compile(toLowered(module), weights),
      await engine.compile(toLowered(module), weights),
    ];
    const [a, b] = [engine.createStates(module.states), engine.createStates(module.states)];
    for (const program of programs) {
      await engine.run(program, a, new Map([["by", value(1, 2)]]));
      await engine.run(program, b, new Map([["by", value(5, 5)]]));
    }
    expect([...(await engine.readState(a, "total")).data]).toEqual([2, 4]);
    expect([...(await engine.readState(b, "total")).data]).toEqual([10, 10]);
    for (const part of [...programs, a, b, weights]) part.dispose();
    await expect(engine.readState(a, "total")).rejects.toThrow("was disposed");
    engine.dispose();
    expect(engine.held()).toEqual({ bytes: 0, tensors: 0 });
  });

  test("what was disposed is refused, and the device works on for all its engines", async () => {
    const [engine, other] = [await createWebGpuEngine({ device }), await createWebGpuEngine({ device })];
    await expectDisposedRefused(engine);
    const module = counter();
    const inputs = new Map([["by", value(1, 2)]]);
    const prepare = async () => {
      const executable = await engine.compile(toLowered(module), engine.createWeights(noWeights));
      return { executable, states: engine.createStates(module.states) };
    };
    for (const part of ["executable", "states"] as const) {
      // The memory of new states is still being checked, so that these runs wait, and are overtaken.
      const all = await prepare();
      const runs = [1, 2].map(() => engine.run(all.executable, all.states, inputs));
      const settled = Promise.allSettled(runs);
      all[part].dispose();
      for (const result of await settled)
        expect(result).toMatchObject({ status: "rejected", reason: expect.any(DisposedError) });
    }
    const { states } = await prepare();
    engine.dispose();
    await expect(engine.readState(states, "total")).rejects.toThrow(DisposedError);
    await expectDisposedRefused(other);
    expect(device.fault()).toBeUndefined();
    other.dispose();
  });

  test("refuses wrong inputs and states of another shape, each with what is wrong", async () => {
    const engine = await createWebGpuEngine({ device });
    const module = counter();
    const executable = await engine.compile(toLowered(module), engine.createWeights(noWeights));
    const states = engine.createStates(module.states);
    await expect(engine.run(executable, states, new Map())).rejects.toThrow("input 'by' is missing");
    await expect(engine.run(executable, states, new Map([["by", value(1)]]))).rejects.toThrow(
      "input 'by' is i32[1], not i32[2]",
    );
    const others = engine.createStates([{ name: "total", type: i32(3) }]);
    await expect(engine.run(executable, others, new Map([["by", value(1, 1)]]))).rejects.toThrow(
      "compiled for state 'total' of i32[2], and was given i32[3]",
    );
    engine.dispose();
  });
});
