import { FusewireError } from "@fusewire/ir";
import { batchBucket, capacityBucket } from "@fusewire/passes";
import type { CacheSize } from "../entries/context.ts";
import type { Runtime } from "../runtime.ts";

/** How the model's own cache is made for a call without past_key_values. */
export type CacheImplementation = "static" | "dynamic" | "quantized";

/** Hugging Face's names; the older ones mean static caches, whose windows are rings in any case. */
export const CACHE_IMPLEMENTATIONS: Readonly<Record<string, CacheImplementation>> = {
  static: "static",
  dynamic: "dynamic",
  quantized: "quantized",
  hybrid: "static",
  sliding_window: "static",
};

/** The option's value, which a checkpoint or a change of generation_config may have set. */
export function implementationOf(name: string | null | undefined): CacheImplementation | undefined {
  if (name === undefined || name === null) return undefined;
  const known = CACHE_IMPLEMENTATIONS[name];
  if (known) return known;
  throw new FusewireError(
    `the model's generation config sets 'cache_implementation' ("${name}"); choose one of ${Object.keys(CACHE_IMPLEMENTATIONS).join(", ")}`,
  );
}

/**
 * The size of the model's own cache. A static one never becomes shorter from call to call, so that its programs and
 * its memory stay (as in transformers 5.18); others are as long as the call needs.
 */
export function ownCacheSize(
  runtime: Runtime,
  implementation: CacheImplementation | undefined,
  rows: number,
  tokens: number,
): CacheSize {
  const { buckets, source } = runtime;
  const batch = batchBucket(rows, buckets);
  const capacity = capacityBucket(tokens, source.model.maxPositions, buckets);
  const quantized = implementation === "quantized" && source.cacheDType !== "i8";
  const idle = runtime.idleSize();
  const kept = implementation === "static" && idle?.rows === batch && !idle.cacheDType ? idle.capacity : 0;
  return {
    rows: batch,
    capacity: Math.max(capacity, kept),
    ...(quantized && { cacheDType: "i8" }),
  };
}
