/** The end of the thread that uses an engine in another one. */
import { FusewireError, isIntegers, NodeTable, printModule, type StateDecl, type Value } from "@fusewire/ir";
import type { ModuleEngine } from "../compile_module.ts";
import { checkRunnable, checkStates, checkWeights } from "../engine/disposed.ts";
import type { Engine, Executable, States, WeightSource, Weights } from "../engine/engine.ts";
import { createCalls, type Port } from "./port.ts";
import type { EngineCalls, Facts, HostCalls, ModuleText } from "./protocol.ts";

/** Something of the engine, by its number there. */
interface Remote {
  readonly id: number;
  disposed: boolean;
}
type RemoteWeights = Weights & Remote;
type RemoteStates = States & Remote;
type RemoteExecutable = Executable & Remote & { readonly weights: RemoteWeights };

/**
 * Opens an engine in the thread behind the port, from data that its `open` understands. It runs like any other; graphs
 * cross as text, so that lowering and compiling happen over there as well, and so does reading weights whose source has
 * a recipe. `held()` is what was known when the engine last answered. Engines that can be restored or have variants are
 * not served yet.
 */
export async function connectEngine(port: Port, given: unknown): Promise<ModuleEngine> {
  const sources = new Map<number, WeightSource>();
  let facts: Facts = { held: { bytes: 0, tensors: 0 }, notice: undefined };
  let next = 0;
  let disposed = false;
  const sourceOf = (id: number): WeightSource => {
    const source = sources.get(id);
    if (!source) throw new FusewireError("the weights were disposed; load the model again");
    return source;
  };
  const calls: HostCalls = {
    weight: async ({ weights, name }) => sourceOf(weights)(name),
    ask: async ({ weights, request }) => sourceOf(weights).elsewhere?.answer(request),
    hear: ({ weights, event }) => sources.get(weights)?.elsewhere?.hear(event),
    facts(found) {
      facts = found;
    },
  };
  const engine = createCalls<EngineCalls, HostCalls>(port, calls, (name, value) =>
    name === "ask" && value instanceof Uint8Array && value.buffer instanceof ArrayBuffer
      ? [value.buffer]
      : [],
  );
  const { claims, ...traits } = await engine.call("open", given);
  const claimed = new Set(claims);

  /** A new thing of the engine; disposing of it is told. */
  const remote = (onDispose = (_id: number): void => {}) => {
    const thing = {
      id: next++,
      disposed: false,
      dispose() {
        if (thing.disposed) return;
        thing.disposed = true;
        onDispose(thing.id);
        if (!disposed) engine.tell("dispose", { id: thing.id });
      },
    };
    return thing;
  };
  const statesOf = (decls: readonly StateDecl[]): RemoteStates => Object.assign(remote(), { decls });
  const compile = async (entry: string, module: ModuleText, weights: Weights): Promise<Executable> => {
    checkWeights(weights);
    const own = remote();
    const { launches } = await engine.call("compile", {
      id: own.id,
      weights: (weights as RemoteWeights).id,
      module,
    });
    const executable: RemoteExecutable = Object.assign(own, {
      entry,
      launches,
      weights: weights as RemoteWeights,
    });
    return executable;
  };
  const runTimes: Engine["runTimes"] = async (given, states, inputs, times, until) => {
    const executable = given as RemoteExecutable;
    checkRunnable(executable, states);
    const { id } = states as RemoteStates;
    return engine.call("runTimes", { executable: executable.id, states: id, inputs, times, until });
  };
  return {
    ...traits,
    // What an engine claims of other layouts is a function, which cannot be sent: those are expanded.
    claims: (op, layout) => claimed.has(op) && (layout === undefined || isIntegers(layout)),
    get notice() {
      return facts.notice;
    },
    createWeights(source) {
      const weights: RemoteWeights = Object.assign(
        remote((id) => sources.delete(id)),
        { source },
      );
      sources.set(weights.id, source);
      engine.tell("createWeights", { id: weights.id, recipe: source.elsewhere?.recipe });
      return weights;
    },
    createStates(decls) {
      const states = statesOf(decls);
      engine.tell("createStates", { id: states.id, decls });
      return states;
    },
    compile: (lowered, weights) => {
      const { rows, attention, module, entry } = lowered;
      return compile(
        entry.name,
        { text: printModule(module), how: { lowered: { rows, attention } } },
        weights,
      );
    },
    compileModule(module, weights, { observe: _, ...options }) {
      const [entry] = module.entries;
      return compile(entry?.name ?? "", { text: printModule(module), how: { options } }, weights);
    },
    prepare(node, weights) {
      checkWeights(weights);
      const prepare = new Map([["value", node]]);
      const text = printModule({
        table: new NodeTable(),
        states: [],
        prepare,
        entries: [],
        layers: new Map(),
      });
      return engine.call("prepare", { weights: (weights as RemoteWeights).id, text });
    },
    async run(executable, states, inputs) {
      const [outputs] = await runTimes(executable, states, inputs, 1);
      return outputs!;
    },
    runTimes,
    async copyStates(states, decls) {
      checkStates(states);
      const copy = statesOf(decls);
      await engine.call("copyStates", { id: copy.id, states: (states as RemoteStates).id, decls });
      return copy;
    },
    async readState(states, name): Promise<Value> {
      checkStates(states, name);
      return engine.call("readState", { states: (states as RemoteStates).id, name });
    },
    held: () => facts.held,
    async dispose() {
      if (disposed) return;
      disposed = true;
      sources.clear();
      // An engine that failed has nothing to close.
      await engine.call("close", undefined).catch(() => undefined);
      facts = { ...facts, held: { bytes: 0, tensors: 0 } };
      await port.close();
    },
  };
}
