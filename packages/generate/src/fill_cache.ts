import type { Value } from "@fusewire/ir";
import { type Chunk, cutChunks, type Outputs } from "@fusewire/passes";
import type { CacheSize } from "./entries/context.ts";
import type { Job, Run } from "./job.ts";
import { otherRows, type RunPlan, rowNumbers, vector } from "./plan.ts";

/** Puts the prompts into the states and decodes all but their last tokens into the caches, as far as they lack them. */
export async function fillCache({ plan, run }: Pick<Job, "plan" | "run">): Promise<void> {
  const { rows, batch, cache, cached, chunks } = plan;
  await beginRows(plan, run);
  await prefillChunks(run, { batch, cache, cached, wanted: rows.map((row) => row.length - 1), chunks });
}

/** Does the same for the prompts beside which rows are decoded, in the rows of the cache behind theirs. */
export async function fillOthers({
  plan,
  run,
  runtime,
}: Pick<Job, "plan" | "run" | "runtime">): Promise<void> {
  const { others: rows, batch, cache } = plan;
  const to = otherRows(batch);
  await beginRows({ rows, batch, cache, to }, run);
  const wanted = rows.map((row) => row.length - 1);
  const chunks = cutChunks(Math.max(...wanted), runtime.buckets);
  await prefillChunks(run, { batch, cache, cached: rows.map(() => 0), wanted, chunks, to });
}

/** Chunks of the prompts of a batch. */
export interface Prefill extends Pick<RowsChunk, "batch" | "cached" | "wanted"> {
  readonly cache: CacheSize;
  readonly chunks: readonly Pick<Chunk, "start" | "size">[];
  /** i32[batch]: the cache row of each batch row, where they differ. */
  readonly to?: Value;
}

/** Decodes tokens that the states hold into the caches, without scores. */
export async function prefillChunks(
  run: Run,
  { batch, cache, cached, wanted, chunks, to }: Prefill,
): Promise<void> {
  for (const { start, size } of chunks)
    await run(
      { kind: "prefill", batch, ...cache, length: size },
      { ...chunkInputs({ batch, cached, wanted, start, size }), ...(to && { rows: to }) },
    );
}

/** Loads the prompts; rows that only fill the batch hold one token and count as ended, as all do with `ended`. */
export function beginRows(
  {
    rows,
    batch,
    cache,
    to,
    ended = false,
  }: Pick<RunPlan, "rows" | "batch" | "cache"> & Pick<Prefill, "to"> & { readonly ended?: boolean },
  run: Run,
): Promise<Outputs> {
  const ids = new Int32Array(batch * cache.capacity);
  for (const [b, row] of rows.entries()) ids.set(row, b * cache.capacity);
  return run(
    { kind: "begin", batch, ...cache },
    {
      rows: to ?? rowNumbers(batch),
      ids: { type: { dtype: "i32", shape: [batch, cache.capacity] }, data: ids },
      count: vector(batch, (b) => rows[b]?.length ?? 1),
      done: vector(batch, (b) => (b < rows.length && !ended ? 0 : 1)),
    },
  );
}

/** A chunk of the prompts of a batch. */
export interface RowsChunk {
  readonly batch: number;
  /** Tokens of each row that are in the cache before the first chunk, and after the last. */
  readonly cached: readonly number[];
  readonly wanted: readonly number[];
  /** Tokens of each row in the chunks before this one, and in this one at most. */
  readonly start: number;
  readonly size: number;
}

/** Where each row's part of a chunk begins, and how many tokens it has. */
export const chunkInputs = ({
  batch,
  cached,
  wanted,
  start,
  size,
}: RowsChunk): Record<"rows" | "at" | "count", Value> => ({
  rows: rowNumbers(batch),
  at: vector(batch, (b) => (cached[b] ?? 0) + start),
  count: vector(batch, (b) => Math.max(0, Math.min(size, (wanted[b] ?? 0) - (cached[b] ?? 0) - start))),
});
