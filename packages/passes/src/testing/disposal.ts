/** For tests alone: what every engine does with things that were disposed. */
import { add, type Module, tensorType, toValue, trace, type Value } from "@fusewire/ir";
import { DisposedError } from "../engine/disposed.ts";
import type { Engine } from "../engine/engine.ts";
import { toLowered } from "../engine/lowered.ts";

const PAIR = tensorType("f32", [2]);

/** Adds a weight and an input to a running total. */
const MODULE: Module = trace({
  add: (t) => {
    const total = add(add(t.state("total", PAIR), t.param("w", PAIR)), t.input("x", PAIR));
    t.write("total", total);
    return { total };
  },
});
const INPUTS: ReadonlyMap<string, Value> = new Map([["x", toValue(PAIR, [1, 2])]]);

async function prepare(engine: Engine) {
  const weights = engine.createWeights(async () => toValue(PAIR, [10, 20]));
  const executable = await engine.compile(toLowered(MODULE), weights);
  const states = engine.createStates(MODULE.states);
  const run = () => engine.run(executable, states, INPUTS);
  return { weights, executable, states, run };
}

async function expectRefused(what: string, call: () => Promise<unknown>): Promise<void> {
  const error = await call().then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof DisposedError) return;
  throw new Error(`${what}: no DisposedError but ${String(error)}`);
}

/** Bytes that are held once these are gone; weights may go a moment later than `dispose` returns. */
async function heldAfter(engine: Engine, gone: readonly { dispose(): void }[]): Promise<number> {
  for (const part of gone) part.dispose();
  await Promise.resolve();
  return engine.held().bytes;
}

/**
 * Throws unless each use of a program, weights or states that were disposed after a run is refused by a `DisposedError`
 * of that call, whatever is left is the engine's to use, and nothing is held in the end.
 */
export async function expectDisposedRefused(engine: Engine): Promise<void> {
  // An engine may keep memory to read results into.
  const first = await prepare(engine);
  await first.run();
  const before = await heldAfter(engine, [first.executable, first.states, first.weights]);
  const other = await prepare(engine);
  for (const part of ["executable", "weights", "states"] as const) {
    const all = await prepare(engine);
    // Engines keep what a program and states need together; so the two have met.
    await all.run();
    all[part].dispose();
    if (!all[part].disposed) throw new Error(`${part} do not say that they are disposed`);
    await expectRefused(`run, ${part} disposed`, all.run);
    if (part === "weights")
      await expectRefused("compile", () => engine.compile(toLowered(MODULE), all.weights));
    if (part === "states") {
      await expectRefused("readState", () => engine.readState(all.states, "total"));
      await expectRefused("copyStates", () => engine.copyStates(all.states, MODULE.states));
    }
    for (const rest of [all.executable, all.states, all.weights]) rest.dispose();
  }
  for (const k of [1, 2]) {
    const { data } = (await other.run()).get("total")!;
    if (data[0] !== 11 * k || data[1] !== 22 * k) throw new Error(`another program gives ${data.join()}`);
  }
  const left = (await heldAfter(engine, [other.executable, other.states, other.weights])) - before;
  if (left !== 0) throw new Error(`${left} bytes were left behind`);
}
