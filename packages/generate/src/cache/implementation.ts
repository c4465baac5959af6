import { batchBucket } from "@fusewire/passes";
import type { CacheSize } from "../entries/context.ts";
import { capacityFor } from "../positions.ts";
import type { Runtime } from "../runtime.ts";

/** How the model's own cache is made for a call without past_key_values. */
export type CacheImplementation = "static" | "dynamic" | "quantized";

/** Hugging Face's names; the older ones mean static caches, whose windows are rings in any case. */
export const CACHE_IMPLEMENTATIONS = {
  static: "static",
  dynamic: "dynamic",
  quantized: "quantized",
  hybrid: "static",
  sliding_window: "static",
} as const satisfies Readonly<Record<string, CacheImplementation>>;

/** What the option `cache_implementation` may be. */
export type CacheImplementationName = keyof typeof CACHE_IMPLEMENTATIONS;

/** How the model's own cache is made. */
export interface OwnCache {
  readonly implementation: CacheImplementation | undefined;
  /** Tokens that each row of a static one has room for at least. */
  readonly leastLength?: number;
}

export const implementationOf = (name: CacheImplementationName | null | undefined) =>
  name ? CACHE_IMPLEMENTATIONS[name] : undefined;

/**
 * The size of the model's own cache. A static one never becomes shorter from call to call, so that its programs and
 * its memory stay (as in transformers 5.18); others are as long as the call needs.
 */
export function ownCacheSize(
  runtime: Runtime,
  { implementation, leastLength = 0 }: OwnCache,
  rows: number,
  tokens: number,
): CacheSize {
  const { buckets, source } = runtime;
  const batch = batchBucket(rows, buckets);
  const limit = source.model.maxPositions;
  const least = implementation === "static" ? Math.min(leastLength, limit) : 0;
  const capacity = capacityFor(Math.max(tokens, least), source.model, buckets);
  const quantized = implementation === "quantized" && source.cacheDType !== "i8";
  const idle = runtime.idleSize();
  const kept = implementation === "static" && idle?.rows === batch && !idle.cacheDType ? idle.capacity : 0;
  return {
    rows: batch,
    capacity: Math.max(capacity, kept),
    ...(quantized && { cacheDType: "i8" }),
  };
}
