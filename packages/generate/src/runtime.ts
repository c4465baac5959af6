import { type Module, NodeTable, type StateDecl, type Value } from "@fusewire/ir";
import {
  type Buckets,
  checkBuckets,
  type Engine,
  type Executable,
  type LowerOptions,
  lower,
  type Outputs,
  type RowClass,
  type States,
  type Weights,
} from "@fusewire/passes";
import type { EntrySource } from "./entries/context.ts";
import { type EntryKey, entryFacts, entryName, traceEntry } from "./entries/index.ts";
import { standardSelection } from "./selection.ts";
import type { Compilation } from "./stats.ts";
import { createTurns } from "./turn.ts";

/** Rows of a cache and tokens each may hold. */
export interface CacheSize {
  readonly rows: number;
  readonly capacity: number;
}

/** A loaded model on an engine: compiles programs when they are first needed and keeps caches for reuse. */
export interface Runtime {
  readonly engine: Engine;
  readonly source: EntrySource;
  /** The sizes that programs are compiled for. */
  readonly buckets: Buckets;
  /** Every compilation so far. */
  readonly compilations: readonly Compilation[];
  /** Those that no generation has reported yet, which are then reported. */
  takeCompilations(): readonly Compilation[];
  /** Runs one program over the states. */
  run(key: EntryKey, states: States, inputs: Readonly<Record<string, Value>>): Promise<Outputs>;
  /** Kernels that one run of the program starts; the program must have run. */
  launches(key: EntryKey): number;
  /** Compiles the program unless it is there already. */
  compile(key: EntryKey): Promise<Executable>;
  /** Gives `body` a cache of this shape that nobody else uses meanwhile. */
  withStates<T>(cache: CacheSize, body: (states: States) => AsyncGenerator<T>): AsyncGenerator<T>;
  dispose(): void;
}

export interface RuntimeSource extends Omit<EntrySource, "longestStep"> {
  readonly buckets: Buckets;
  readonly engine: Engine;
  readonly weights: Weights;
  readonly lowering: LowerOptions;
}

export function createRuntime({ engine, weights, lowering, buckets, ...model }: RuntimeSource): Runtime {
  checkBuckets(buckets);
  const source: EntrySource = { ...model, longestStep: buckets.chunk.at(-1)! };
  const table = new NodeTable();
  const executables = new Map<string, Promise<Executable>>();
  const compiled = new Map<string, Executable>();
  const keys: EntryKey[] = [];
  const compilations: Compilation[] = [];
  const decls = new Map<string, readonly StateDecl[]>();
  const giveTurn = createTurns();
  let reported = 0;
  let idle: { readonly shape: string; readonly states: States } | undefined;

  async function compileNow(key: EntryKey): Promise<Executable> {
    const module: Module = traceEntry(key, source, table);
    compilations.push({ entry: entryName(key), reason: reasonFor(key, keys) });
    keys.push(key);
    const lowered = lower(module, engine, { ...lowering, rows: rowsOf(key) });
    const executable = await engine.compile(lowered, weights);
    compiled.set(entryName(key), executable);
    return executable;
  }

  function compile(key: EntryKey): Promise<Executable> {
    const name = entryName(key);
    const found = executables.get(name);
    if (found) return found;
    const started = compileNow(key);
    executables.set(name, started);
    // A compilation that failed may be tried again: the next call must not find the failure.
    started.catch(() => executables.delete(name));
    return started;
  }

  /** The states that the programs of one cache share: decoding reads and writes all of them. */
  function statesOf(cache: CacheSize): readonly StateDecl[] {
    const shape = shapeName(cache);
    const known = decls.get(shape);
    if (known) return known;
    const selection = standardSelection(false);
    const key: EntryKey = { kind: "decode", batch: 1, ...cache, selection, eosCount: 1 };
    const { states } = traceEntry(key, source, new NodeTable());
    decls.set(shape, states);
    return states;
  }

  return {
    engine,
    source,
    buckets,
    compilations,
    takeCompilations() {
      const fresh = compilations.slice(reported);
      reported = compilations.length;
      return fresh;
    },
    compile,
    async run(key, states, inputs) {
      await giveTurn();
      return engine.run(await compile(key), states, new Map(Object.entries(inputs)));
    },
    launches: (key) => compiled.get(entryName(key))?.launches ?? 0,
    async *withStates(cache, body) {
      const shape = shapeName(cache);
      const reused = idle?.shape === shape ? idle.states : undefined;
      if (reused) idle = undefined;
      const states = reused ?? engine.createStates(statesOf(cache));
      try {
        yield* body(states);
      } finally {
        // One cache is kept for the next call; another shape takes its place, so that sizes do not pile up.
        idle?.states.dispose();
        idle = { shape, states };
      }
    },
    dispose() {
      idle?.states.dispose();
      idle = undefined;
      for (const executable of compiled.values()) executable.dispose();
      weights.dispose();
    },
  };
}

/** Chunks of a prompt are a class of work apart; the last token of a text is always decoded or verified. */
const rowsOf = ({ kind }: EntryKey): RowClass => (kind === "prefill" || kind === "logits" ? "chunk" : "few");

const shapeName = ({ rows, capacity }: CacheSize): string => `${rows}x${capacity}`;

/** Why a program has to be compiled, in terms of the nearest one that is there. */
function reasonFor(key: EntryKey, before: readonly EntryKey[]): string {
  const wanted = entryFacts(key);
  const differences = before
    .filter(({ kind }) => kind === key.kind)
    .map((other) => {
      const facts = entryFacts(other);
      return Object.keys(wanted)
        .filter((name) => facts[name] !== wanted[name])
        .map((name) => `${name} ${facts[name]} -> ${wanted[name]}`);
    })
    .sort((a, b) => a.length - b.length);
  return differences[0]?.join(", ") ?? `first ${key.kind}`;
}
