import { bytesOf, FusewireError } from "@fusewire/ir";
import { batchBucket, type States } from "@fusewire/passes";
import type { CacheSize } from "../entries/context.ts";
import { capacityFor } from "../positions.ts";
import type { Runtime } from "../runtime.ts";
import type { CacheHold } from "./hold.ts";

/** An error where the cache cannot be used at this moment. */
export function checkFree({ name, status }: CacheHold): void {
  if (status === "disposed") throw new FusewireError(`this ${name} was disposed; make another one`);
  if (status === "busy")
    throw new FusewireError(
      `this ${name} is in use by a call that has not ended; await it, or give each call its own (await cache.copy())`,
    );
}

/** An error where the cache cannot be used with this model, or not at this moment. */
export function checkUsable(hold: CacheHold, runtime: Runtime): void {
  checkFree(hold);
  const { name, bound, device } = hold;
  if (device !== undefined && device !== runtime.engine.name)
    throw new FusewireError(
      `this ${name} was made for device '${device}', and the model runs on '${runtime.engine.name}'; leave 'device' out, or give model.device`,
    );
  if (bound && bound.runtime.programs !== runtime.programs)
    throw new FusewireError(
      `this ${name} holds keys and values of another model; each model needs a cache of its own`,
    );
}

/**
 * A cache whose memory went with a lost device takes memory anew and holds nothing: an error where the caller, who
 * gives only what comes after its texts, counts on them.
 */
export function forgetLost(hold: CacheHold, counted = false): void {
  if (!hold.bound?.states.lost) return;
  if (counted && hold.rows.some(({ cached }) => cached > 0))
    throw new FusewireError(
      `what this ${hold.name} held went with a device that was lost; reset() it, and give its texts from the start`,
    );
  hold.bound = undefined;
  hold.rows = [];
}

/** The memory that a call with so many rows of so many tokens needs: never less than there is, for caches only grow. */
export function sizeFor(hold: CacheHold, runtime: Runtime, rows: number, tokens: number): CacheSize {
  const { name, maxRows, maxLength, bound, dtype } = hold;
  if (maxRows !== undefined && rows > maxRows)
    throw new FusewireError(
      `a batch of ${rows} rows is larger than max_batch_size ${maxRows} of the ${name}; make a larger one`,
    );
  if (maxLength !== undefined && tokens > maxLength)
    throw new FusewireError(
      `${tokens} tokens, prompt and new ones together, are more than max_cache_len ${maxLength} of the ${name}; make a longer one, lower max_new_tokens, or take a DynamicCache`,
    );
  const { buckets, source } = runtime;
  const limit = source.model.maxPositions;
  const length = Math.max(tokens, Math.min(maxLength ?? 0, limit));
  return {
    rows: Math.max(bound?.size.rows ?? 0, batchBucket(Math.max(rows, maxRows ?? 0), buckets)),
    capacity: Math.max(bound?.size.capacity ?? 0, capacityFor(length, source.model, buckets)),
    ...(dtype !== undefined && dtype !== source.cacheDType && { cacheDType: dtype }),
  };
}

/** The cache's memory, made at its first use and grown where `size` is larger. */
export async function statesOf(hold: CacheHold, runtime: Runtime, size: CacheSize): Promise<States> {
  const { bound } = hold;
  const { engine } = runtime;
  if (bound && bound.size.rows === size.rows && bound.size.capacity === size.capacity) return bound.states;
  const decls = runtime.statesOf(size);
  const states = bound ? await engine.copyStates(bound.states, decls) : engine.createStates(decls);
  bound?.states.dispose();
  hold.bound = { runtime, size, states };
  return states;
}

/** Bytes that a cache of this size takes on the engine. */
export const bytesFor = (runtime: Runtime, size: CacheSize): number =>
  runtime.statesOf(size).reduce((sum, { type }) => sum + bytesOf(type), 0);
