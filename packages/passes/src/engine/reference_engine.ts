import {
  bytesOf,
  emptyValue,
  evaluate,
  FusewireError,
  isFree,
  rootsOf,
  type StateDecl,
  topological,
  type Value,
} from "@fusewire/ir";
import { checkRunnable, checkStates, checkWeights } from "./disposed.ts";
import type { Engine, Executable, States, Weights } from "./engine.ts";
import type { Lowered } from "./lowered.ts";
import { overlapOfStates } from "./overlap.ts";
import { evaluatePrepared } from "./prepare.ts";
import { repeated } from "./repeated.ts";

interface ReferenceWeights extends Weights {
  readonly params: Map<string, Value>;
  readonly prepared: Map<string, Value>;
  disposed: boolean;
}

interface ReferenceStates extends States {
  readonly values: Map<string, Value>;
  disposed: boolean;
}

interface ReferenceExecutable extends Executable {
  readonly lowered: Lowered;
  readonly weights: ReferenceWeights;
  disposed: boolean;
}

/**
 * The interpreter as an engine, device "interpreter": the oracle that other engines are compared with. It claims
 * every op, so composites run by their own evaluation.
 */
export function createReferenceEngine(claims: Engine["claims"] = () => true): Engine {
  const allStates = new Set<ReferenceStates>();
  const allWeights = new Set<ReferenceWeights>();
  const run: Engine["run"] = async (executable, bound, inputs) => {
    const { lowered, weights } = executable as ReferenceExecutable;
    const states = bound as ReferenceStates;
    checkRunnable(executable as ReferenceExecutable, states);
    const values = evaluate(rootsOf(lowered.entry), {
      params: (name) => weights.params.get(name)!,
      prepared: (name) => weights.prepared.get(name)!,
      states: (name) => states.values.get(name)!,
      inputs: (name) => {
        const value = inputs.get(name);
        if (!value) throw new FusewireError(`entry '${lowered.entry.name}' was run without input '${name}'`);
        return value;
      },
    });
    // What the caller gave or gets is the caller's to write over: states and weights share no memory with it.
    for (const [name, node] of lowered.entry.writes) states.values.set(name, copyOf(values.get(node)!));
    return new Map([...lowered.entry.outputs].map(([name, node]) => [name, copyOf(values.get(node)!)]));
  };
  const createStates = (decls: readonly StateDecl[]): ReferenceStates => {
    const states: ReferenceStates = {
      decls,
      values: new Map(decls.map(({ name, type }) => [name, emptyValue(type)])),
      disposed: false,
      dispose() {
        states.disposed = true;
        allStates.delete(states);
      },
    };
    allStates.add(states);
    return states;
  };
  return {
    name: "interpreter",
    attention: ["flash_attention", "efficient_attention"],
    claims,
    memory: { alignment: 4, readWriteSameBuffer: true },
    createWeights(source) {
      const weights: ReferenceWeights = {
        source,
        params: new Map(),
        prepared: new Map(),
        disposed: false,
        dispose() {
          weights.disposed = true;
          allWeights.delete(weights);
        },
      };
      allWeights.add(weights);
      return weights;
    },
    createStates,
    async compile(lowered, shared) {
      const weights = shared as ReferenceWeights;
      checkWeights(weights);
      const nodes = topological(rootsOf(lowered.entry));
      for (const node of nodes) {
        if (node.op === "param" && !weights.params.has(node.attrs.name))
          weights.params.set(node.attrs.name, await weights.source(node.attrs.name));
        if (node.op === "prepared" && !weights.prepared.has(node.attrs.name))
          weights.prepared.set(
            node.attrs.name,
            await evaluatePrepared(lowered.prepare.get(node.attrs.name)!, weights.source),
          );
      }
      const executable: ReferenceExecutable = {
        entry: lowered.entry.name,
        launches: nodes.filter((node) => !isFree(node)).length,
        lowered,
        weights,
        disposed: false,
        dispose() {
          executable.disposed = true;
        },
      };
      return executable;
    },
    run,
    runAhead: 0,
    runTimes: repeated(run),
    async copyStates(states, decls) {
      checkStates(states);
      const { values } = states as ReferenceStates;
      const copy = createStates(decls);
      for (const { name, runs } of overlapOfStates(states.decls, decls)) {
        const target = copy.values.get(name)!.data;
        for (const { from, to, count } of runs)
          target.set(values.get(name)!.data.subarray(from, from + count), to);
      }
      return copy;
    },
    async readState(states, name) {
      checkStates(states, name);
      return copyOf((states as ReferenceStates).values.get(name)!);
    },
    held() {
      const values = [
        ...[...allStates].flatMap(({ values }) => [...values.values()]),
        ...[...allWeights].flatMap(({ params, prepared }) => [...params.values(), ...prepared.values()]),
      ];
      return { bytes: values.reduce((sum, { type }) => sum + bytesOf(type), 0), tensors: values.length };
    },
    dispose() {
      for (const part of [...allStates, ...allWeights]) part.dispose();
    },
  };
}

const copyOf = ({ type, data }: Value): Value => ({ type, data: data.slice() });
