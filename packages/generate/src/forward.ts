import { emptyValue, FusewireError, floats, optionsInstead, toValue, type Value } from "@fusewire/ir";
import { batchBucket, cutChunks, type States } from "@fusewire/passes";
import { checkUsable, forgetLost, sizeFor } from "./cache/bind.ts";
import { type Cache, holdOf } from "./cache/cache.ts";
import { noteForward } from "./cache/forward_rows.ts";
import { EMPTY_ROW } from "./cache/hold.ts";
import { ownCacheSize } from "./cache/implementation.ts";
import { withCache } from "./cache/lease.ts";
import { splitCall } from "./call.ts";
import type { CacheSize } from "./entries/context.ts";
import type { EntryKey } from "./entries/index.ts";
import { beginRows, chunkInputs, prefillChunks } from "./fill_cache.ts";
import { type ForwardInputs, newRows } from "./forward_inputs.ts";
import type { Rows } from "./rows.ts";
import type { Runtime } from "./runtime.ts";

export interface ForwardOptions {
  /** A cache that the tokens go on from and are added to. */
  readonly past_key_values?: Cache;
  /** 0: scores after every token; 1: after the last of each row alone, which costs far less. */
  readonly logits_to_keep?: number;
  /** For code that is carried over: true with a cache, false without. */
  readonly use_cache?: boolean;
}

/** f32[batch, length or 1, vocabulary]. */
export interface ForwardResult {
  readonly logits: Value;
}

/** Tokens to decode, and how many of each row stand before them. */
interface Work {
  readonly batch: number;
  readonly size: CacheSize;
  readonly fresh: Rows;
  /** Tokens of each row before the new ones. */
  readonly before: readonly (readonly number[])[];
}

/**
 * Scores after every token, zeros at pads (the forward pass of a causal model). With `past_key_values` the tokens go
 * on from what the cache holds: one token a row and call makes a decoding loop, in which nothing is compiled anew.
 */
export async function forward(
  runtime: Runtime,
  given: ForwardInputs & ForwardOptions,
  besides: ForwardOptions = {},
): Promise<ForwardResult> {
  const { inputs, options } = splitCall<ForwardInputs, ForwardOptions>("forward", given, besides);
  const last = checkOptions(options);
  const { model } = runtime.source;
  const hold = options.past_key_values && holdOf(options.past_key_values);
  if (hold) {
    checkUsable(hold, runtime);
    forgetLost(hold, true);
  }
  const fresh = newRows(hold, inputs, model.vocabSize);
  const before = fresh.rows.map((_, b) => {
    const { ids, cached } = hold?.rows[b] ?? EMPTY_ROW;
    return ids.slice(0, cached);
  });
  const longest = Math.max(...fresh.rows.map((row, b) => before[b]!.length + row.length));
  if (longest > model.maxPositions)
    throw new FusewireError(
      `a text of ${longest} tokens is longer than the ${model.maxPositions} positions of the model; shorten it`,
    );
  const size = hold
    ? sizeFor(hold, runtime, fresh.rows.length, longest)
    : ownCacheSize(runtime, undefined, fresh.rows.length, longest);
  const work: Work = { batch: batchBucket(fresh.rows.length, runtime.buckets), size, fresh, before };
  let logits: Value | undefined;
  const body = async function* (states: States) {
    logits = await (last ? lastScores : allScores)(runtime, states, work);
    yield;
  };
  const steps = hold
    ? withCache(hold, runtime, size, body, (finished) => noteForward(hold, fresh, finished))
    : runtime.withStates(size, body);
  for await (const _ of steps);
  return { logits: logits! };
}

/** Scores after every token, chunk by chunk. */
async function allScores(runtime: Runtime, states: States, work: Work): Promise<Value> {
  const { rows, starts, width } = work.fresh;
  const { vocabSize } = runtime.source.model;
  const logits = emptyValue({ dtype: "f32", shape: [rows.length, width, vocabSize] });
  const longest = Math.max(...rows.map((row) => row.length));
  // One token is decoded as in `generate`, so that both have its scores to the bit.
  const chunks = longest === 1 ? [{ start: 0, count: 1, size: 1 }] : cutChunks(longest, runtime.buckets);
  for (const { start, count, size } of chunks) {
    const chunk = await decodeChunk(runtime, states, work, start, size);
    rows.forEach((row, b) => {
      const real = Math.min(count, row.length - start);
      // The row ended in an earlier chunk.
      if (real <= 0) return;
      const from = b * size * vocabSize;
      const to = (b * width + starts[b]! + start) * vocabSize;
      floats(logits).set(chunk.subarray(from, from + real * vocabSize), to);
    });
  }
  return logits;
}

/** Scores after the last token of each row: all others go through the chunks that compute none, as in `generate`. */
async function lastScores(runtime: Runtime, states: States, work: Work): Promise<Value> {
  const { batch, size: cache, before } = work;
  const { rows } = work.fresh;
  const cached = before.map((row) => row.length);
  const whole = rows.map((row, b) => [...before[b]!, ...row]);
  const longest = Math.max(...rows.map((row) => row.length));
  const run = (key: EntryKey, values: Parameters<Runtime["run"]>[2]) => runtime.run(key, states, values);
  if (longest > 1) {
    await beginRows({ rows: whole, batch, cache }, run);
    const wanted = whole.map((row) => row.length - 1);
    const chunks = cutChunks(longest - 1, runtime.buckets);
    await prefillChunks(run, { batch, cache, cached, wanted, chunks });
  }
  const ends = { rows: rows.map((row) => row.slice(-1)), before: whole.map((row) => row.slice(0, -1)) };
  const scores = await decodeChunk(
    runtime,
    states,
    { ...work, fresh: { ...work.fresh, rows: ends.rows }, before: ends.before },
    0,
    1,
  );
  const { vocabSize } = runtime.source.model;
  const logits = emptyValue({ dtype: "f32", shape: [rows.length, 1, vocabSize] });
  floats(logits).set(scores.subarray(0, rows.length * vocabSize));
  return logits;
}

/** Scores after each of up to `size` tokens of every row from `start` on, f32[B, size, V]. */
async function decodeChunk(
  runtime: Runtime,
  states: States,
  { batch, size: cache, fresh: { rows }, before }: Work,
  start: number,
  size: number,
): Promise<Float32Array> {
  const cached = before.map((row) => row.length);
  const wanted = rows.map((row, b) => cached[b]! + row.length);
  const tokens = Array.from(
    { length: batch * size },
    (_, i) => rows[Math.floor(i / size)]?.[start + (i % size)] ?? 0,
  );
  const outputs = await runtime.run({ kind: "logits", batch, ...cache, length: size }, states, {
    ...chunkInputs({ batch, cached, wanted, start, size }),
    tokens: toValue({ dtype: "i32", shape: [batch, size] }, tokens),
  });
  return floats(outputs.get("logits")!);
}

/** Whether only the last scores are asked for; anything unknown or in conflict is an error. */
function checkOptions(options: ForwardOptions): boolean {
  for (const [name, value] of Object.entries(options))
    if (value !== undefined && !KNOWN.includes(name))
      throw new FusewireError(`forward: '${name}' is not an option; ${optionsInstead(name, KNOWN)}`);
  const { past_key_values, use_cache, logits_to_keep = 0 } = options;
  if (use_cache !== undefined && use_cache !== (past_key_values !== undefined))
    throw new FusewireError(
      use_cache
        ? "forward: use_cache needs a cache to keep the tokens in: past_key_values: new DynamicCache()"
        : "forward: past_key_values is a cache, and use_cache is false; give one of them",
    );
  if (logits_to_keep !== 0 && logits_to_keep !== 1)
    throw new FusewireError(
      `forward: logits_to_keep must be 0, for the scores after every token, or 1, for those after the last, not ${logits_to_keep}`,
    );
  return logits_to_keep === 1;
}

const KNOWN = ["past_key_values", "logits_to_keep", "use_cache"];
