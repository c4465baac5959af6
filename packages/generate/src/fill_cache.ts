import type { Value } from "@fusewire/ir";
import type { Outputs } from "@fusewire/passes";
import type { Job, Run } from "./job.ts";
import { type RunPlan, rowNumbers, vector } from "./plan.ts";

/** Puts the prompts into the states and decodes all but their last tokens into the caches. */
export async function fillCache({ plan, run }: Pick<Job, "plan" | "run">): Promise<void> {
  const { rows, batch, cache, chunks } = plan;
  await beginRows(plan, run);
  for (const { start, size } of chunks)
    await run({ kind: "prefill", batch, ...cache, length: size }, chunkInputs(rows, batch, start, size, 1));
}

/** Loads the prompts; rows that only fill the batch hold one token and count as ended. */
export function beginRows(
  { rows, batch, cache }: Pick<RunPlan, "rows" | "batch" | "cache">,
  run: Run,
): Promise<Outputs> {
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
