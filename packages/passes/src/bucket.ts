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

/** The buckets as they are, when their sizes make sense; a user may have set them. */
export function checkBuckets(buckets: Buckets): Buckets {
  const { batch, chunk, capacity } = buckets;
  for (const [name, sizes] of Object.entries({ batch, chunk, capacity: [capacity] })) {
    if (sizes.length === 0) throw new FusewireError(`buckets.${name} needs at least one size`);
    const wrong = sizes.find((size) => !Number.isInteger(size) || size < 1);
    if (wrong !== undefined)
      throw new FusewireError(`buckets.${name} holds ${wrong}; sizes are whole numbers from 1`);
    if (sizes.some((size, k) => k > 0 && size <= sizes[k - 1]!))
      throw new FusewireError(`buckets.${name} must rise: ${sizes.join(", ")}`);
  }
  return buckets;
}

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
 * Cuts `length` prompt tokens into the fewest chunks: as many of the largest size as fit, then for the rest the
 * smallest size that holds it. One padded chunk reads the weights once, several small ones read them several times.
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
