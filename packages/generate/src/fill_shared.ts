import { batchBucket } from "@fusewire/passes";
import { beginRows, prefillChunks } from "./fill_cache.ts";
import type { Job } from "./job.ts";
import { vector } from "./plan.ts";

/**
 * As `fillCache`, for rows of which each `width` that stand together begin with one prompt: it is decoded once and
 * copied to all of them.
 */
export async function fillShared({ plan, run, runtime }: Job, width: number): Promise<void> {
  const { rows, cache, chunks } = plan;
  await beginRows(plan, run);
  if (chunks.length === 0) return;
  const prompts = rows.filter((_, b) => b % width === 0);
  const batch = batchBucket(prompts.length, runtime.buckets);
  const wanted = prompts.map((prompt) => prompt.length - 1);
  const cached = prompts.map(() => 0);
  const to = vector(batch, (b) => b * width);
  await prefillChunks(run, { batch, cache, cached, wanted, chunks, to });
  const from = vector(cache.rows, (b) => (b < rows.length ? b - (b % width) : b));
  await run({ kind: "reorder", batch: cache.rows, ...cache }, { from });
}
