/** For tests alone: an engine beside the interpreter. */
import { interpret, type Module, type Node, type Tracer, trace, type Value } from "@fusewire/ir";
import { arbitraryModule, expectClose, randomEnvironment } from "@fusewire/ir/testing";
import fc from "fast-check";
import type { Engine, States } from "../engine/engine.ts";
import { type RowClass, toLowered } from "../engine/lowered.ts";
import { type LowerOptions, lower, OPTIONAL_PASSES, type OptionalPass } from "../pipeline.ts";

/**
 * Engines sum in f32 where the interpreter sums in f64 and rounds once. Sums in tests have at most a few thousand terms
 * of magnitude 1, whose rounding errors of 2^-24 each add up to less than 1e-5 of the result's magnitude or of 1.
 */
export const TOLERANCE = 1e-5;

export type Values = Readonly<Record<string, Value>>;

/** Fills states with given values, which engines do by running an entry. */
async function fillStates(engine: Engine, states: States, values: (name: string) => Value): Promise<void> {
  const module = trace({
    fill: (tracer) => {
      for (const { name, type } of states.decls) {
        tracer.state(name, type);
        tracer.write(name, tracer.input(name, type));
      }
      return {};
    },
  });
  const weights = engine.createWeights(async (name) => Promise.reject(new Error(`no weight ${name}`)));
  const executable = await engine.compile(toLowered(module), weights);
  await engine.run(executable, states, new Map(states.decls.map(({ name }) => [name, values(name)])));
  executable.dispose();
  weights.dispose();
}

interface AgreementOptions extends LowerOptions {
  readonly tolerance?: number;
  /** What is held, which must be the same in the end: the engine's bytes unless given. */
  readonly held?: () => number;
}

/** Throws unless the engine computes what the interpreter does, entry by entry, and gives all memory back. */
export async function expectAgreement(
  engine: Engine,
  module: Module,
  seed: number,
  { tolerance = TOLERANCE, held = () => engine.held().bytes, ...options }: AgreementOptions = {},
): Promise<void> {
  const before = held();
  const environment = randomEnvironment(module, seed);
  const weights = engine.createWeights(async (name) => environment.params(name));
  for (const entry of module.entries) {
    const expected = interpret(module, entry.name, environment);
    const states = engine.createStates(module.states);
    await fillStates(engine, states, environment.states);
    const executable = await engine.compile(lower({ ...module, entries: [entry] }, engine, options), weights);
    const inputs = new Map(entry.inputs.map(({ name }) => [name, environment.inputs(name)]));
    const outputs = await engine.run(executable, states, inputs);
    for (const [name, value] of expected.outputs) expectClose(outputs.get(name)!, value, tolerance, name);
    for (const { name } of module.states) {
      const value = expected.writes.get(name) ?? environment.states(name);
      expectClose(await engine.readState(states, name), value, tolerance, `state ${name}`);
    }
    executable.dispose();
    states.dispose();
  }
  weights.dispose();
  const left = held() - before;
  if (left !== 0) throw new Error(`${left} were left behind`);
}

/** One entry that returns one expression. */
export const kernelModule = (build: (tracer: Tracer) => Node): Module =>
  trace({ kernel: (tracer) => ({ y: build(tracer) }) });

/** Passes that would compute, fuse or rewrite away the one op that a test is about. */
export const MEDDLING = ["canonicalise", "fold_constants", "hoist_prepare", "fuse_elementwise"] as const;

/** Agreement on one expression over the tracer's leaves, as it is written. */
export const expectKernel = (
  engine: Engine,
  build: (tracer: Tracer) => Node,
  seed: number,
  tolerance = TOLERANCE,
): Promise<void> => expectAgreement(engine, kernelModule(build), seed, { tolerance, disable: MEDDLING });

/** Runs an expression with given values and returns its result. */
export async function computeWith(
  engine: Engine,
  build: (tracer: Tracer) => Node,
  { params = {}, inputs = {}, rows }: { params?: Values; inputs?: Values; rows?: RowClass | undefined } = {},
): Promise<Value> {
  const weights = engine.createWeights(async (name) => params[name]!);
  const states = engine.createStates([]);
  const executable = await engine.compile(toLowered(kernelModule(build), { rows }), weights);
  const outputs = await engine.run(executable, states, new Map(Object.entries(inputs)));
  for (const part of [executable, states, weights]) part.dispose();
  return outputs.get("y")!;
}

/** The passes to try random graphs with. */
export const ALL_OR_NONE = [
  ["all", []],
  ["no optional", OPTIONAL_PASSES],
] as const;

/** Agreement on whole random graphs. Errors grow from step to step, so the bound is the passes' own. */
export const expectRandomAgreement = (
  engine: Engine,
  numRuns: number,
  disable: readonly OptionalPass[] = [],
  agree = expectAgreement,
): Promise<void> =>
  fc.assert(
    fc.asyncProperty(arbitraryModule(), fc.nat(2 ** 31), (module, seed) =>
      agree(engine, module, seed, { tolerance: 1e-4, disable }),
    ),
    { numRuns },
  );
