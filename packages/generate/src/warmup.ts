import { batchBucket, capacityBucket } from "@fusewire/passes";
import { eosBucket } from "./plan.ts";
import type { Runtime } from "./runtime.ts";
import { standardSelection } from "./selection.ts";

/** What to be ready for: rows at once, and tokens a row, prompt and new ones together. */
export interface WarmupSizes {
  readonly batch_size?: number;
  readonly max_length?: number;
}

/**
 * Compiles what generate() needs for these sizes: prompts of any length, greedy choice and sampling with any options.
 * Anything beyond (a larger batch bucket, a longer cache, greedy choice after a penalty) compiles when first used.
 */
export async function warmup(
  runtime: Runtime,
  { batch_size = 1, max_length = 1 }: WarmupSizes = {},
): Promise<void> {
  const batch = batchBucket(batch_size, runtime.buckets);
  const capacity = capacityBucket(max_length, runtime.source.model.maxPositions, runtime.buckets);
  const sizes = { batch, rows: batch, capacity };
  await runtime.compile({ kind: "begin", ...sizes });
  for (const length of runtime.buckets.chunk) await runtime.compile({ kind: "prefill", ...sizes, length });
  for (const sample of [false, true]) {
    const selection = standardSelection(sample, batch);
    await runtime.compile({ kind: "decode", ...sizes, selection, eosCount: eosBucket(1) });
  }
}

/** Compiles the program that most generations begin with, which reads every weight. */
export async function load(runtime: Runtime): Promise<void> {
  const capacity = capacityBucket(1, runtime.source.model.maxPositions, runtime.buckets);
  const selection = standardSelection(false);
  await runtime.compile({ kind: "decode", batch: 1, rows: 1, capacity, selection, eosCount: eosBucket(1) });
}
