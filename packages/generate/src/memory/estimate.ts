import { bytesOf, NodeTable, sizeOf } from "@fusewire/ir";
import {
  type Buckets,
  batchBucket,
  capacityBucket,
  cutChunks,
  DEFAULT_BUCKETS,
  type EngineTraits,
  EVERY_KERNEL,
  type Lowered,
  lower,
  programSizes,
} from "@fusewire/passes";
import { type EntryKey, traceEntry } from "../entries/index.ts";
import { eosBucket } from "../plan.ts";
import { standardSelection } from "../selection.ts";
import type { MemorySource } from "./source.ts";

export interface MemorySizes {
  /** Rows at once; 1 unless given. */
  readonly batch?: number | undefined;
  /** Tokens a row at most, prompt and answer together; what the smallest cache holds unless given. */
  readonly context?: number | undefined;
  readonly buckets?: Buckets | undefined;
  /** The device's own rules; without, those of an engine with every kernel. */
  readonly traits?: EngineTraits | undefined;
}

/** Bytes that a device holds while a model generates. */
export interface MemoryEstimate {
  /** Numbers in the weights; a tied head is counted once. */
  readonly parameters: number;
  readonly weights: number;
  /** Keys, values and what else lasts from step to step. */
  readonly cache: number;
  /** Rows and tokens that the cache has room for: the sizes that were asked for, rounded up. */
  readonly rows: number;
  readonly capacity: number;
  /** Values inside a step, of the program that takes most (a chunk of the prompt or a new token), and what programs keep. */
  readonly activations: number;
  readonly total: number;
  /** The largest single buffer, which a binding must hold. */
  readonly largest: { readonly name: string; readonly bytes: number };
}

/**
 * The memory of one cache of `batch` rows and `context` tokens, from the programs that generate() runs: they are traced,
 * lowered and planned as for running, and nothing is allocated.
 */
export function estimateMemory(source: MemorySource, sizes: MemorySizes = {}): MemoryEstimate {
  const { buckets = DEFAULT_BUCKETS, traits = EVERY_KERNEL, batch = 1, context = 1 } = sizes;
  const { model, shapes } = source;
  const rows = batchBucket(batch, buckets);
  const capacity = capacityBucket(context, model.maxPositions, buckets);
  const programs = keysOf(rows, capacity, Math.min(context, capacity), buckets).map((key) =>
    lowered(key, source, buckets, traits),
  );
  const sizesOf = programs.map((program) => programSizes(program, traits));
  const held = new Map(sizesOf.flatMap(({ weights }) => [...weights]));
  const states = new Map(
    programs.flatMap((program) => program.states.map(({ name, type }) => [name, bytesOf(type)] as const)),
  );
  const [weights, cache] = [total(held.values()), total(states.values())];
  const activations =
    Math.max(...sizesOf.map(({ scratch }) => scratch)) + total(sizesOf.map(({ own }) => own));
  const [name = "", bytes = 0] = [...held, ...states].sort(([, a], [, b]) => b - a)[0] ?? [];
  return {
    parameters: [...shapes.values()].reduce((all, { shape }) => all + sizeOf(shape), 0),
    ...{ weights, cache, rows, capacity, activations },
    total: weights + cache + activations,
    largest: { name, bytes },
  };
}

/** What begins a cache, the chunks that fill it with a prompt as long as it may be, and a step of decoding. */
function keysOf(rows: number, capacity: number, context: number, buckets: Buckets): readonly EntryKey[] {
  const sizes = { batch: rows, rows, capacity };
  const lengths = new Set(cutChunks(context, buckets).map(({ size }) => size));
  return [
    { kind: "begin", ...sizes },
    ...[...lengths].map((length) => ({ kind: "prefill", ...sizes, length }) as const),
    { kind: "decode", ...sizes, selection: standardSelection(false), eosCount: eosBucket(1) },
  ];
}

const total = (bytes: Iterable<number>): number => [...bytes].reduce((sum, one) => sum + one, 0);

function lowered(
  key: EntryKey,
  { model, stored, cacheDType, quantize }: MemorySource,
  buckets: Buckets,
  traits: EngineTraits,
): Lowered {
  const longestStep = buckets.chunk.at(-1) ?? 1;
  const traced = traceEntry(key, { model, stored, cacheDType, longestStep }, new NodeTable());
  return lower(traced, traits, { disable: [], quantize });
}
