import {
  type CacheDTypeName,
  type EntryKey,
  eosBucket,
  openCausalModel,
  standardSelection,
  traceEntry,
  type WeightDType,
} from "@fusewire/generate";
import { type Module, NodeTable, rootsOf, topological } from "@fusewire/ir";
import type { CausalModel, ModelFiles } from "@fusewire/models";
import {
  batchBucket,
  capacityBucket,
  cutChunks,
  DEFAULT_BUCKETS,
  EVERY_KERNEL,
  lower,
  type OptionalPass,
  type Program,
  planMemory,
  scratchBytes,
  withPackedCodes,
} from "@fusewire/passes";
import { programBeforePasses } from "./launches.ts";

export const ENTRY_KINDS = ["decode", "prefill", "logits", "begin"] as const;
export type EntryKind = (typeof ENTRY_KINDS)[number];

export interface InspectOptions {
  readonly entry?: EntryKind;
  /** Rows at once; like the length it is rounded up to a size that programs are made for. */
  readonly batch?: number;
  /** Tokens: of the chunk for prefill and logits, of the cache otherwise. */
  readonly length?: number;
  readonly dtype?: WeightDType;
  readonly cacheDtype?: CacheDTypeName;
  readonly disable?: readonly OptionalPass[];
}

/** A program on its way through the passes. */
export interface Inspection {
  readonly entry: string;
  /** The module as traced, then after each pass. A pass that runs twice is `name` and `name.2`. */
  readonly graphs: readonly { readonly pass: string; readonly module: Module }[];
  readonly before: Program;
  readonly after: Program;
}

/** Takes one entry of a model through the passes for an engine with every kernel. Reads no weights. */
export async function inspectModel(files: ModelFiles, options: InspectOptions = {}): Promise<Inspection> {
  const { dtype, cacheDtype } = options;
  const { model, stored, cacheDType, checkpoint, quantize } = await openCausalModel(files, {
    dtype,
    cache_dtype: cacheDtype,
  });
  await checkpoint.close();
  const traced = traceEntry(
    entryKey(model, options),
    { model, stored, cacheDType, longestStep: DEFAULT_BUCKETS.chunk.at(-1)! },
    new NodeTable(),
  );
  const graphs = [{ pass: "trace", module: traced }];
  const runs = new Map<string, number>();
  const lowered = lower(traced, EVERY_KERNEL, {
    disable: options.disable ?? [],
    quantize,
    observe: (pass, module) => {
      const run = (runs.get(pass) ?? 0) + 1;
      runs.set(pass, run);
      graphs.push({ pass: run === 1 ? pass : `${pass}.${run}`, module });
    },
  });
  return {
    entry: lowered.entry.name,
    graphs,
    before: programBeforePasses(traced, EVERY_KERNEL),
    after: withPackedCodes(planMemory(lowered, EVERY_KERNEL), lowered),
  };
}

/** The program that generate() would compile for these sizes. */
function entryKey(model: CausalModel, { entry = "decode", batch = 1, length }: InspectOptions): EntryKey {
  const rows = batchBucket(batch, DEFAULT_BUCKETS);
  const whole = entry === "decode" || entry === "begin";
  const tokens =
    length ?? Math.min(whole ? DEFAULT_BUCKETS.capacity : DEFAULT_BUCKETS.chunk.at(-1)!, model.maxPositions);
  const sizes = { batch: rows, rows, capacity: capacityBucket(tokens, model.maxPositions, DEFAULT_BUCKETS) };
  switch (entry) {
    case "begin":
      return { kind: entry, ...sizes };
    case "prefill":
    case "logits":
      return { kind: entry, ...sizes, length: cutChunks(tokens, DEFAULT_BUCKETS)[0]!.size };
    case "decode": {
      const selection = standardSelection(false);
      return { kind: entry, ...sizes, selection, eosCount: eosBucket(1) };
    }
  }
}

/** Nodes of the entry that a step computes; what is prepared from weights while loading is not among them. */
export const countNodes = (module: Module): number => topological(module.entries.flatMap(rootsOf)).length;

/** What the program holds on the device. */
export function countBytes(program: Program) {
  const sum = (...kinds: readonly string[]) =>
    program.buffers.reduce((total, { kind, bytes }) => total + (kinds.includes(kind) ? bytes : 0), 0);
  return { weights: sum("param", "prepared"), states: sum("state"), scratch: scratchBytes(program) };
}
