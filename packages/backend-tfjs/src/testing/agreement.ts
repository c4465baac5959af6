/** For tests alone: an engine of this package beside the interpreter. */
import { interpret, type Module, type Node, type Tracer, trace, type Value } from "@fusewire/ir";
import { expectClose, randomEnvironment } from "@fusewire/ir/testing";
import {
  type Engine,
  type LowerOptions,
  lower,
  type RowClass,
  type States,
  toLowered,
  type Weights,
} from "@fusewire/passes";
import { memory } from "@tensorflow/tfjs-core";

/**
 * tfjs sums in f32 where the interpreter sums in f64 and rounds once. Sums here have at most a few hundred terms of
 * magnitude 1, whose rounding errors of 2^-24 each add up to less than 1e-5 of the result's magnitude or of 1.
 */
export const TOLERANCE = 1e-5;

export type Values = Record<string, Value>;

/** Fills states with given values, which engines do by running an entry. */
export async function fillStates(
  engine: Engine,
  states: States,
  values: (name: string) => Value,
): Promise<void> {
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

/** Throws unless the engine computes what the interpreter does, entry by entry, and leaves no tensor behind. */
export async function expectAgreement(
  engine: Engine,
  module: Module,
  seed: number,
  { tolerance = TOLERANCE, ...options }: LowerOptions & { tolerance?: number } = {},
): Promise<void> {
  const tensors = () => (engine.name === "webgpu" ? 0 : memory().numTensors);
  const before = tensors();
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
  const left = tensors() - before;
  if (left !== 0) throw new Error(`${left} tensors were left behind`);
}

/** The same for one expression over the tracer's leaves. Float params lie in tfjs, so that its kernels run. */
export const expectKernel = (
  engine: Engine,
  build: (tracer: Tracer) => Node,
  seed: number,
  tolerance = TOLERANCE,
): Promise<void> =>
  expectAgreement(engine, trace({ kernel: (tracer) => ({ y: build(tracer) }) }), seed, {
    tolerance,
    disable: ["canonicalise", "fold_constants", "hoist_prepare"],
  });

/** Runs an expression with given values and returns its result. */
export async function computeWith(
  engine: Engine,
  build: (tracer: Tracer) => Node,
  { params = {}, inputs = {}, rows }: { params?: Values; inputs?: Values; rows?: RowClass },
): Promise<Value> {
  const module = trace({ kernel: (tracer) => ({ y: build(tracer) }) });
  const weights: Weights = engine.createWeights(async (name) => params[name]!);
  const states = engine.createStates([]);
  const executable = await engine.compile(toLowered(module, { rows }), weights);
  const outputs = await engine.run(executable, states, new Map(Object.entries(inputs)));
  for (const part of [executable, states, weights]) part.dispose();
  return outputs.get("y")!;
}
