import type { Bound, CacheRow } from "./hold.ts";

/**
 * The least length, beside 0, to which a row can be cut back. Without sliding windows it is 0. A ring of R = window +
 * longest step - 1 slots that was written up to position e holds e - R … e - 1, and the token behind n others needs
 * keys from n - window + 1 on: n >= e - longest step.
 */
export function shortestCut(row: Pick<CacheRow, "written">, bound: Bound | undefined): number {
  if (!bound) return 0;
  const ring = smallestRing(bound);
  return ring === undefined || row.written <= ring ? 0 : row.written - bound.runtime.source.longestStep;
}

/** Whether the row can be cut back to its first `length` tokens without losing a key that is still needed. */
export const canCut = (row: Pick<CacheRow, "written">, length: number, bound: Bound | undefined): boolean =>
  length === 0 || length >= shortestCut(row, bound);

/** Slots of the smallest ring that a layer with a sliding window keeps in a cache of this size. */
export function smallestRing({ runtime, size }: Pick<Bound, "runtime" | "size">): number | undefined {
  const slots = runtime
    .statesOf(size)
    .filter(({ name }) => name.startsWith("cache."))
    .map(({ type }) => type.shape[2]!)
    .filter((count) => count < size.capacity);
  return slots.length === 0 ? undefined : Math.min(...slots);
}
