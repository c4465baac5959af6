/** What every engine does with states, apart from running programs over them. */
import { iota, mul, NodeTable, reshape, type Tracer, tensorType, toValue, trace } from "@fusewire/ir";
import { type Engine, lower } from "@fusewire/passes";
import { describe, expect, test } from "vitest";
import { ENGINES } from "./support/engines.ts";

const SMALL = [2, 1, 3, 4];
const LARGE = [3, 1, 5, 4];
const FACTOR = tensorType("i32", []);

/** A program that fills a state with factor times 0, 1, 2, … */
const fill = (tracer: Tracer) => {
  const count = SMALL.reduce((a, b) => a * b);
  tracer.state("cache", tensorType("i32", SMALL));
  tracer.write("cache", reshape(mul(iota(tracer.table, count), tracer.input("factor", FACTOR)), SMALL));
  return {};
};

async function filled(engine: Engine) {
  const lowered = lower(trace({ fill }, new NodeTable()), engine);
  const executable = await engine.compile(
    lowered,
    engine.createWeights(async (name) => Promise.reject(name)),
  );
  const states = engine.createStates(lowered.states);
  const run = (factor: number, times = 1) =>
    engine.runTimes(executable, states, new Map([["factor", toValue(FACTOR, [factor])]]), times);
  return { states, run };
}

describe.each(Object.keys(ENGINES))("%s", (device) => {
  test("copies states to larger and smaller shapes", async () => {
    const engine = await ENGINES[device]!();
    const { states, run } = await filled(engine);
    await run(1);
    const grown = await engine.copyStates(states, [{ name: "cache", type: tensorType("i32", LARGE) }]);
    await run(0);
    const value = await engine.readState(grown, "cache");
    const wanted = new Array<number>(60).fill(0);
    for (let row = 0; row < 2; row++) for (let i = 0; i < 12; i++) wanted[row * 20 + i] = row * 12 + i;
    expect([...value.data]).toEqual(wanted);

    const back = await engine.copyStates(grown, states.decls);
    expect([...(await engine.readState(back, "cache")).data]).toEqual(
      Array.from({ length: 24 }, (_, i) => i),
    );
    for (const each of [states, grown, back]) each.dispose();
    engine.dispose();
  });

  test("runs a step several times and returns the outputs of each", async () => {
    const engine = await ENGINES[device]!();
    const { states, run } = await filled(engine);
    expect(await run(2, 3)).toHaveLength(3);
    expect((await engine.readState(states, "cache")).data[5]).toBe(10);
    states.dispose();
    engine.dispose();
  });
});
