import { FusewireError } from "@fusewire/ir";

/** The sizes programs are compiled for. Everything between two sizes is padded up, so that nothing recompiles. */
export interface Buckets {
  /** Rows of a batch, rising. */
  readonly batch: readonly number[];
  /** Prompt tokens a chunk, rising; `cutChunks` chooses among them. */
  readonly chunk: readonly number[];
  /** Cache slots a row: the first capacity; it doubles until it fits. */
  readonly capacity: number;
}

export const DEFAULT_BUCKETS: Buckets = { batch: [1, 2, 4, 8, 16, 32], chunk: [8, 64, 256], capacity: 512 };

/** The buckets as they are, when their sizes make sense; a user may have set them. */
export function checkBuckets(buckets: Buckets): Buckets {
  const { batch, chunk, capacity, ...others } = buckets;
  const unknown = Object.keys(others)[0];
  if (unknown !== undefined)
    throw new FusewireError(`buckets: '${unknown}' is not one of batch, chunk and capacity`);
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

/** The smallest batch size that holds `rows`; beyond the largest it doubles. */
export function batchBucket(rows: number, { batch }: Buckets): number {
  let size = batch.find((candidate) => candidate >= rows) ?? batch.at(-1)!;
  while (size < rows) size *= 2;
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

/** The smallest chunk that holds `tokens`, or the largest there is. */
export const chunkBucket = (tokens: number, { chunk }: Buckets): number =>
  chunk.find((size) => size >= tokens) ?? chunk.at(-1)!;

/** One piece of a prompt: `size` is the program it runs in, of which the first `count` tokens are real. */
export interface Chunk {
  readonly start: number;
  readonly count: number;
  readonly size: number;
}

/**
 * What a chunk costs beside its tokens, in tokens: reading every weight, starting every kernel. CPUs measure 4 to 8;
 * GPUs read the weights in the time that 10 to 30 tokens compute.
 */
const CHUNK_OVERHEAD = 16;

/**
 * Cuts `length` prompt tokens into chunks: as many of the largest size as fit, and the rest so that it costs least,
 * where a chunk costs its size, padding included, and `CHUNK_OVERHEAD`. So 65 tokens run as 64 and 8, and 60 as 64.
 */
export function cutChunks(length: number, { chunk }: Buckets): Chunk[] {
  const chunks: Chunk[] = [];
  let start = 0;
  for (const size of cheapest(length, chunk).sizes) {
    const count = Math.min(size, length - start);
    chunks.push({ start, count, size });
    start += count;
  }
  return chunks;
}

interface Cut {
  readonly sizes: readonly number[];
  readonly cost: number;
}

/** The cheapest sizes, falling, that hold `length` tokens, when none is larger than the last of `allowed`. */
function cheapest(length: number, allowed: readonly number[]): Cut {
  if (length === 0) return { sizes: [], cost: 0 };
  const size = allowed.at(-1)!;
  const whole = Math.floor(length / size);
  const smaller = allowed.slice(0, -1);
  const padded = repeat(size, Math.ceil(length / size));
  if (smaller.length === 0) return padded;
  const fitting = repeat(size, whole);
  const rest = cheapest(length % size, smaller);
  const cut = { sizes: [...fitting.sizes, ...rest.sizes], cost: fitting.cost + rest.cost };
  // Where both cost the same, fewer chunks.
  return cut.cost < padded.cost ? cut : padded;
}

const repeat = (size: number, times: number): Cut => ({
  sizes: new Array<number>(times).fill(size),
  cost: times * (size + CHUNK_OVERHEAD),
});
