import { FusewireError } from "@fusewire/ir";

/** The sizes programs are compiled for. Everything between two sizes is padded up, so that nothing recompiles. */
export interface Buckets {
  /** Rows of a batch, rising. */
  readonly batch: readonly number[];
  /** Prompt tokens a chunk, rising. */
  readonly chunk: readonly number[];
  /** Cache slots a row: the first capacity; it doubles until it fits. */
  readonly capacity: number;
}

export const DEFAULT_BUCKETS: Buckets = { batch: [1, 2, 4, 8, 16, 32], chunk: [8, 64, 256], capacity: 512 };

/** The smallest batch size that holds `rows`. */
export function batchBucket(rows: number, { batch }: Buckets): number {
  const size = batch.find((candidate) => candidate >= rows);
  if (size === undefined)
    throw new FusewireError(
      `a batch of ${rows} rows is larger than ${batch.at(-1)}; split it into smaller batches`,
    );
  return size;
}

/** The capacity for sequences of `length` tokens in a model of `limit` positions. */
export function capacityBucket(length: number, limit: number, { capacity }: Buckets): number {
  let size = Math.min(capacity, limit);
  while (size < length && size < limit) size = Math.min(size * 2, limit);
  if (size < length)
    throw new FusewireError(
      `${length} tokens are more than the ${limit} positions of the model; shorten the prompt or ask for fewer new tokens`,
    );
  return size;
}

/** One piece of a prompt: `size` is the program it runs in, of which the first `count` tokens are real. */
export interface Chunk {
  readonly start: number;
  readonly count: number;
  readonly size: number;
}

/**
 * Cuts `length` prompt tokens into chunks: as many of the largest size as fit, then for the rest the smallest size
 * that holds it, so that the padding is always less than the next smaller program would have cost.
 */
export function cutChunks(length: number, { chunk }: Buckets): Chunk[] {
  const largest = chunk.at(-1)!;
  const chunks: Chunk[] = [];
  for (let start = 0; start < length; ) {
    const rest = length - start;
    const size = chunk.find((candidate) => candidate >= rest) ?? largest;
    const count = Math.min(size, rest);
    chunks.push({ start, count, size });
    start += count;
  }
  return chunks;
}
