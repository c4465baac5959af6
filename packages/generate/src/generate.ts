import { FusewireError, hash32, numbersOf, toValue, type Value } from "@fusewire/ir";
import type { GenerationDefaults } from "@fusewire/models";
import { batchBucket, type Chunk, capacityBucket, cutChunks, type States } from "@fusewire/passes";
import type { EntryKey } from "./entries/index.ts";
import { type GenerationOptions, type ResolvedOptions, resolveOptions } from "./options.ts";
import { perRow, roomFor } from "./processors/encode.ts";
import { type ModelInputs, type Rows, toRows } from "./rows.ts";
import type { Runtime } from "./runtime.ts";
import { selectionFor } from "./selection.ts";
import type { GenerationStats } from "./stats.ts";

/** The tokens of one step: one a row, undefined for rows that ended before. */
export interface GenerationStep {
  readonly tokens: readonly (number | undefined)[];
}

export interface GenerationResult {
  /** The input with its pads, then the new tokens, padded to one length: as Hugging Face returns them. */
  readonly sequences: number[][];
  /** New tokens alone, each row as long as it got. */
  readonly new_tokens: number[][];
  readonly stats: GenerationStats;
}

/** Generates step by step; the generator's return value is the result. */
export async function* generateSteps(
  runtime: Runtime,
  inputs: ModelInputs,
  options: GenerationOptions,
  defaults: GenerationDefaults,
): AsyncGenerator<GenerationStep, GenerationResult> {
  const started = performance.now();
  const { model } = runtime.source;
  const resolved = resolveOptions(options, defaults);
  const batch = toRows(inputs, model.vocabSize);
  const maxNew = resolved.maxNewTokens(batch.width, model.maxPositions);
  const plan = planRun(runtime, batch, resolved, maxNew);
  const newTokens: number[][] = batch.rows.map(() => []);
  const counts = { launches: 0, submits: 0 };
  let firstToken = started;

  const steps = runtime.withStates(plan.cache, (states) => runSteps(runtime, plan, states, counts));
  for await (const { tokens } of steps) {
    if (newTokens.every((row) => row.length === 0)) firstToken = performance.now();
    for (const [b, token] of tokens.entries()) if (token !== undefined) newTokens[b]!.push(token);
    yield { tokens };
  }

  const ended = performance.now();
  const total = newTokens.reduce((sum, row) => sum + row.length, 0);
  const after = total - newTokens.filter((row) => row.length > 0).length;
  const longest = Math.max(...newTokens.map((row) => row.length));
  return {
    sequences: inputs.input_ids.map((row, b) => [
      ...row,
      ...newTokens[b]!,
      ...new Array<number>(longest - newTokens[b]!.length).fill(resolved.pad),
    ]),
    new_tokens: newTokens,
    stats: {
      device: runtime.engine.name,
      prompt_tokens: batch.rows.reduce((sum, row) => sum + row.length, 0),
      new_tokens: total,
      time_to_first_token_ms: firstToken - started,
      tokens_per_second: after > 0 ? after / ((ended - firstToken) / 1000) : 0,
      ...counts,
      compilations: runtime.takeCompilations(),
      bytes: runtime.engine.held().bytes,
      ...(resolved.sample && { seed: plan.seed }),
    },
  };
}

/** Everything that is decided before the first program runs. */
interface RunPlan {
  readonly rows: readonly (readonly number[])[];
  readonly batch: number;
  readonly cache: { readonly rows: number; readonly capacity: number };
  readonly chunks: readonly Chunk[];
  readonly decode: EntryKey;
  readonly decodeInputs: Readonly<Record<string, Value>>;
  readonly seed: number | readonly number[];
  readonly signal: AbortSignal | undefined;
}

function planRun(runtime: Runtime, { rows, width }: Rows, options: ResolvedOptions, maxNew: number): RunPlan {
  const { model } = runtime.source;
  const batch = batchBucket(rows.length, runtime.buckets);
  const longest = Math.max(...rows.map((row) => row.length));
  if (longest + maxNew > model.maxPositions)
    throw new FusewireError(
      `a prompt of ${longest} tokens and ${maxNew} new ones are more than the ${model.maxPositions} positions of the model; shorten the prompt or lower max_new_tokens`,
    );
  const cache = {
    rows: batch,
    capacity: capacityBucket(longest + maxNew, model.maxPositions, runtime.buckets),
  };
  const seed = options.seed ?? Math.floor(Math.random() * 2 ** 32);
  if (typeof seed !== "number" && seed.length !== rows.length)
    throw new FusewireError(
      `seed has ${seed.length} values for ${rows.length} rows; give one number, or one a row`,
    );
  const eosCount = eosBucket(options.eos.length);
  const { selection, inputs } = selectionFor(options.sample, options.values, {
    batch,
    eos: options.eos,
    prompts: rows.map((row) => row.length),
    width,
    maxNew,
  });
  return {
    rows,
    batch,
    cache,
    chunks: cutChunks(longest - 1, runtime.buckets),
    decode: { kind: "decode", batch, ...cache, selection, eosCount },
    decodeInputs: {
      rows: rowNumbers(batch),
      limit: vector(batch, (b) => (rows[b]?.length ?? 0) + maxNew),
      eos: toValue(
        { dtype: "i32", shape: [batch, eosCount] },
        Array.from({ length: batch * eosCount }, (_, i) => options.eos[i % eosCount] ?? -1),
      ),
      ...inputs,
      ...(options.sample && { seed: rowSeeds(seed, batch) }),
    },
    seed,
    signal: options.signal,
  };
}

/** u32[B]: the seed of each row. */
const rowSeeds = (seed: number | readonly number[], batch: number): Value =>
  perRow(batch, "u32", (row) => (typeof seed === "number" ? rowSeed(seed, row) : (seed[row] ?? 0)));

/** Room for end tokens in a program: 8 hold those of every known model. */
export const eosBucket = roomFor;

/** The seed of row b where one seed is given for all: hash(seed, b), so that rows differ and do not depend on the batch. */
export const rowSeed = (seed: number, b: number): number => hash32((hash32(seed) ^ b) >>> 0);

async function* runSteps(
  runtime: Runtime,
  plan: RunPlan,
  states: States,
  counts: { launches: number; submits: number },
): AsyncGenerator<GenerationStep> {
  const run = async (key: EntryKey, inputs: Readonly<Record<string, Value>>) => {
    plan.signal?.throwIfAborted();
    const outputs = await runtime.run(key, states, inputs);
    counts.launches += runtime.launches(key);
    counts.submits += 1;
    return outputs;
  };
  await fillCache(plan, (key, inputs) => run(key, inputs));
  const done = plan.rows.map(() => false);
  while (done.includes(false)) {
    const outputs = await run(plan.decode, plan.decodeInputs);
    const tokens = numbersOf(outputs.get("token")!);
    const ended = numbersOf(outputs.get("done")!);
    yield { tokens: plan.rows.map((_, b) => (done[b] ? undefined : tokens[b]!)) };
    for (const b of done.keys()) done[b] = ended[b] === 1;
  }
}

type Run = (key: EntryKey, inputs: Readonly<Record<string, Value>>) => Promise<unknown>;

/** Puts the prompts into the states and decodes all but their last tokens into the caches. */
export async function fillCache(
  plan: Pick<RunPlan, "rows" | "batch" | "cache" | "chunks">,
  run: Run,
): Promise<void> {
  const { rows, batch, cache, chunks } = plan;
  await beginRows(plan, run);
  for (const { start, size } of chunks)
    await run({ kind: "prefill", batch, ...cache, length: size }, chunkInputs(rows, batch, start, size, 1));
}

/** Loads the prompts; rows that only fill the batch hold one token and count as ended. */
export function beginRows(
  { rows, batch, cache }: Pick<RunPlan, "rows" | "batch" | "cache">,
  run: Run,
): Promise<unknown> {
  const ids = new Int32Array(batch * cache.capacity);
  for (const [b, row] of rows.entries()) ids.set(row, b * cache.capacity);
  return run(
    { kind: "begin", batch, ...cache },
    {
      rows: rowNumbers(batch),
      ids: { type: { dtype: "i32", shape: [batch, cache.capacity] }, data: ids },
      count: vector(batch, (b) => rows[b]?.length ?? 1),
      done: vector(batch, (b) => (b < rows.length ? 0 : 1)),
    },
  );
}

/** Inputs of the chunk of `size` tokens from `start` on; the last `leave` tokens of each row are left out. */
export function chunkInputs(
  rows: readonly (readonly number[])[],
  batch: number,
  start: number,
  size: number,
  leave: number,
): Record<string, Value> {
  return {
    rows: rowNumbers(batch),
    at: vector(batch, () => start),
    count: vector(batch, (b) => Math.max(0, Math.min(size, (rows[b]?.length ?? 0) - leave - start))),
  };
}

const vector = (batch: number, of: (b: number) => number): Value =>
  toValue(
    { dtype: "i32", shape: [batch] },
    Array.from({ length: batch }, (_, b) => of(b)),
  );

const rowNumbers = (batch: number): Value => vector(batch, (b) => b);
