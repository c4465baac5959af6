import { emptyValue, FusewireError, floats, optionsInstead, toValue, type Value } from "@fusewire/ir";
import { batchBucket, cutChunks, type Outputs, type States } from "@fusewire/passes";
import { checkUsable, forgetLost, sizeFor } from "./cache/bind.ts";
import { type Cache, holdOf } from "./cache/cache.ts";
import { noteForward } from "./cache/forward_rows.ts";
import { type GivenCache, resultCache, withOneCache } from "./cache/given_cache.ts";
import { EMPTY_ROW } from "./cache/hold.ts";
import { ownCacheSize } from "./cache/implementation.ts";
import { withCache } from "./cache/lease.ts";
import { splitCall } from "./call.ts";
import type { CacheSize } from "./entries/context.ts";
import type { EntryKey } from "./entries/index.ts";
import { beginRows, chunkInputs, prefillChunks } from "./fill_cache.ts";
import { type ForwardInputs, newRows } from "./forward_inputs.ts";
import { beyondPositions } from "./positions.ts";
import type { Rows } from "./rows.ts";
import type { Runtime } from "./runtime.ts";

export interface ForwardOptions {
  /** A cache that the tokens go on from and are added to. */
  readonly past_key_values?: Cache;
  /** The name of `past_key_values` since transformers 5.24; give one of them. */
  readonly cache?: Cache;
  /** 0: scores after every token; 1: after the last of each row alone, which costs far less. */
  readonly logits_to_keep?: number;
  /** Returns the hidden states of every layer too: they are read back, so that it costs more than the scores alone. */
  readonly output_hidden_states?: boolean;
  /** For code that is carried over: true with a cache, false without. */
  readonly use_cache?: boolean;
}

/** What each option of `forward` does: validation and docs/compatibility.md read this table. */
export const FORWARD_OPTIONS = {
  past_key_values: "a cache that the tokens go on from and are added to",
  cache: "the newer name of `past_key_values`",
  logits_to_keep: "0: scores after every token; 1: after the last of each row alone",
  output_hidden_states: "true or false: whether hidden states are returned, of all layers",
  use_cache: "true with a cache, false without",
} as const satisfies { readonly [K in keyof Required<ForwardOptions>]: string };

const KNOWN: readonly string[] = Object.keys(FORWARD_OPTIONS);

/** What `forward` returns (Hugging Face CausalLMOutputWithPast); values are zeros at pads. */
export interface ForwardResult extends GivenCache {
  /** f32[batch, length or 1, vocabulary]. */
  readonly logits: Value;
  /**
   * With output_hidden_states, f32[batch, length, hidden_size] each: the embedding, then what comes out of each layer, the
   * last one behind the last norm.
   */
  readonly hidden_states?: readonly Value[];
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
  const { last, kind, cache } = readOptions(options);
  const { model } = runtime.source;
  const hold = cache && holdOf(cache);
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
  beyondPositions(longest, 0, model);
  const size = hold
    ? sizeFor(hold, runtime, fresh.rows.length, longest)
    : ownCacheSize(runtime, { implementation: undefined }, fresh.rows.length, longest);
  const work: Work = { batch: batchBucket(fresh.rows.length, runtime.buckets), size, fresh, before };
  let outputs: Outputs | undefined;
  const body = async function* (states: States) {
    outputs =
      last && kind === "logits"
        ? await lastScores(runtime, states, work)
        : await afterEach(runtime, states, work, kind);
    yield;
  };
  const steps = hold
    ? withCache(hold, runtime, size, body, (finished) => noteForward(hold, fresh, finished))
    : runtime.withStates(size, body);
  for await (const _ of steps);
  return { ...resultOf(outputs!, last ? fresh : undefined), ...resultCache(cache) };
}

/** The outputs by their names; with `lastOf` the scores after the last token of each of these rows alone. */
function resultOf(outputs: Outputs, lastOf: Rows | undefined): ForwardResult {
  const logits = outputs.get("logits")!;
  const states = [...outputs].filter(([name]) => name !== "logits").map(([, value]) => value);
  return {
    logits: lastOf && logits.type.shape[1] !== 1 ? scoresOfLast(logits, lastOf) : logits,
    ...(states.length > 0 && { hidden_states: states }),
  };
}

function scoresOfLast(logits: Value, { rows, starts, width }: Rows): Value {
  const size = logits.type.shape[2]!;
  const last = emptyValue({ dtype: "f32", shape: [rows.length, 1, size] });
  for (const [b, row] of rows.entries()) {
    const from = (b * width + starts[b]! + row.length - 1) * size;
    floats(last).set(floats(logits).subarray(from, from + size), b * size);
  }
  return last;
}

/** What comes out behind every token, chunk by chunk: f32[rows, width, …] each, in the order of the program's outputs. */
async function afterEach(runtime: Runtime, states: States, work: Work, kind: ScoringKind): Promise<Outputs> {
  const { rows, starts, width } = work.fresh;
  const results = new Map<string, Value>();
  const longest = Math.max(...rows.map((row) => row.length));
  // One token is decoded as in `generate`, so that both have its scores to the bit.
  const chunks = longest === 1 ? [{ start: 0, count: 1, size: 1 }] : cutChunks(longest, runtime.buckets);
  for (const { start, count, size } of chunks)
    for (const [name, chunk] of await decodeChunk(runtime, states, work, kind, start, size)) {
      const each = chunk.type.shape[2]!;
      const result = results.get(name) ?? emptyValue({ dtype: "f32", shape: [rows.length, width, each] });
      results.set(name, result);
      for (const [b, row] of rows.entries()) {
        const real = Math.min(count, row.length - start);
        // The row ended in an earlier chunk.
        if (real <= 0) continue;
        const from = b * size * each;
        const to = (b * width + starts[b]! + start) * each;
        floats(result).set(floats(chunk).subarray(from, from + real * each), to);
      }
    }
  return results;
}

/** Scores after the last token of each row: all others go through the chunks that compute none, as in `generate`. */
async function lastScores(runtime: Runtime, states: States, work: Work): Promise<Outputs> {
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
  const alone = { rows: ends.rows, starts: rows.map(() => 0), width: 1 };
  return afterEach(runtime, states, { ...work, fresh: alone, before: ends.before }, "logits");
}

/** Decodes up to `size` tokens of every row from `start` on; outputs f32[B, size, …]. */
async function decodeChunk(
  runtime: Runtime,
  states: States,
  { batch, size: cache, fresh: { rows }, before }: Work,
  kind: ScoringKind,
  start: number,
  size: number,
): Promise<Outputs> {
  const cached = before.map((row) => row.length);
  const wanted = rows.map((row, b) => cached[b]! + row.length);
  const tokens = Array.from(
    { length: batch * size },
    (_, i) => rows[Math.floor(i / size)]?.[start + (i % size)] ?? 0,
  );
  return runtime.run({ kind, batch, ...cache, length: size }, states, {
    ...chunkInputs({ batch, cached, wanted, start, size }),
    tokens: toValue({ dtype: "i32", shape: [batch, size] }, tokens),
  });
}

/** What the options come to; anything unknown or in conflict is an error. */
function readOptions(options: ForwardOptions) {
  for (const [name, value] of Object.entries(options))
    if (value !== undefined && !KNOWN.includes(name))
      throw new FusewireError(`forward: '${name}' is not an option; ${optionsInstead(name, KNOWN)}`);
  const { past_key_values: cache } = withOneCache(options, "forward");
  const { use_cache, logits_to_keep = 0, output_hidden_states = false } = options;
  if (use_cache !== undefined && use_cache !== (cache !== undefined))
    throw new FusewireError(
      use_cache
        ? "forward: use_cache needs a cache to keep the tokens in: past_key_values: new DynamicCache()"
        : "forward: past_key_values is a cache, and use_cache is false; give one of them",
    );
  if (logits_to_keep !== 0 && logits_to_keep !== 1)
    throw new FusewireError(
      `forward: logits_to_keep must be 0, for the scores after every token, or 1, for those after the last, not ${logits_to_keep}`,
    );
  if (typeof output_hidden_states !== "boolean")
    throw new FusewireError(
      `forward: output_hidden_states must be true or false, not ${JSON.stringify(output_hidden_states)}`,
    );
  const kind: ScoringKind = output_hidden_states ? "hidden" : "logits";
  return { last: logits_to_keep === 1, kind, cache };
}

/** The programs that return scores of tokens that are given. */
type ScoringKind = "logits" | "hidden";
