import type { StateDecl, Value } from "@fusewire/ir";
import {
  type AttentionKernel,
  type Buckets,
  checkBuckets,
  type Engine,
  type Executable,
  type LowerOptions,
  type Outputs,
  type States,
  type Weights,
} from "@fusewire/passes";
import type { Vocabulary } from "./candidates/same_tokenizer.ts";
import type { CacheSize, EntrySource } from "./entries/context.ts";
import { type EntryKey, statesOfCache } from "./entries/index.ts";
import { createPrograms, type Programs } from "./programs.ts";
import { createTurns } from "./turn.ts";

/** A loaded model on an engine: compiles programs when they are first needed and keeps caches for reuse. */
export interface Runtime {
  readonly engine: Engine;
  readonly source: EntrySource;
  /** The sizes that programs are compiled for. */
  readonly buckets: Buckets;
  readonly programs: Programs;
  readonly vocabulary: Vocabulary;
  /** Runs one program over the states. */
  run(key: EntryKey, states: States, inputs: Readonly<Record<string, Value>>): Promise<Outputs>;
  /** Kernels that one run of the program starts; the program must have run. */
  launches(key: EntryKey): number;
  /** Compiles the program unless it is there already. */
  compile(key: EntryKey): Promise<Executable>;
  /** The same model and caches, with programs that attend in this way. */
  attending(attention: AttentionKernel | undefined): Runtime;
  /** The states that the programs of one cache share. */
  statesOf(cache: CacheSize): readonly StateDecl[];
  /** The size of the cache that is kept for the next call. */
  idleSize(): CacheSize | undefined;
  /** Gives `body` a cache of this shape that nobody else uses meanwhile. */
  withStates<T>(cache: CacheSize, body: (states: States) => AsyncGenerator<T>): AsyncGenerator<T>;
  dispose(): void;
}

export interface RuntimeSource extends Omit<EntrySource, "longestStep"> {
  readonly buckets: Buckets;
  readonly vocabulary: Vocabulary;
  readonly engine: Engine;
  readonly weights: Weights;
  readonly lowering: LowerOptions;
}

/** A cache that no call uses. */
interface Idle {
  readonly cache: CacheSize;
  readonly states: States;
}

export function createRuntime({
  engine,
  weights,
  lowering,
  buckets,
  vocabulary,
  ...model
}: RuntimeSource): Runtime {
  checkBuckets(buckets);
  const source: EntrySource = { ...model, longestStep: buckets.chunk.at(-1)! };
  const programs = createPrograms({ engine, weights, lowering, source });
  const decls = new Map<string, readonly StateDecl[]>();
  const giveTurn = createTurns();
  let idle: Idle | undefined;

  function keep(next: Idle | undefined): void {
    idle?.states.dispose();
    idle = next;
  }

  function statesOf(cache: CacheSize): readonly StateDecl[] {
    const shape = shapeName(cache);
    const known = decls.get(shape) ?? statesOfCache(cache, source);
    decls.set(shape, known);
    return known;
  }

  const attending = (attention: AttentionKernel | undefined): Runtime => ({
    engine,
    source,
    vocabulary,
    buckets,
    programs,
    attending,
    compile: (key) => programs.compile(key, attention),
    async run(key, states, inputs) {
      await giveTurn();
      return engine.run(await programs.compile(key, attention), states, new Map(Object.entries(inputs)));
    },
    launches: (key) => programs.launches(key, attention),
    statesOf,
    idleSize: () => idle?.cache,
    async *withStates(cache, body) {
      if (idle?.states.lost) idle = undefined;
      const reused = idle && shapeName(idle.cache) === shapeName(cache) ? idle.states : undefined;
      // One cache is kept for the next call; another shape takes its place, so that sizes do not pile up.
      if (reused) idle = undefined;
      else keep(undefined);
      const states = reused ?? engine.createStates(statesOf(cache));
      let failed = false;
      try {
        yield* body(states);
      } catch (error) {
        failed = true;
        throw error;
      } finally {
        // A call may have failed for want of memory, so that it keeps none.
        if (failed) states.dispose();
        else keep({ cache, states });
      }
    },
    dispose() {
      keep(undefined);
      programs.forget("the model was disposed");
      weights.dispose();
    },
  });
  return attending(undefined);
}

const shapeName = ({ rows, capacity, cacheDType }: CacheSize): string =>
  `${rows}x${capacity}${cacheDType ?? ""}`;
