import { FusewireError } from "@fusewire/ir";
import type { Cache } from "./cache.ts";

/** A caller's cache under both of its names: `cache` since transformers 5.24, `past_key_values` before. */
export interface GivenCache {
  /** The cache that was given, which now holds the tokens of this call. */
  readonly cache?: Cache;
  /** The older name of `cache`: the same object. */
  readonly past_key_values?: Cache;
}

/** The options with the cache as `past_key_values`, whichever name it came under; two of them are an error. */
export function withOneCache<O extends GivenCache>(options: O, where: string): Omit<O, "cache"> {
  const { cache, ...rest } = options;
  if (cache === undefined) return rest;
  if (options.past_key_values !== undefined && options.past_key_values !== cache)
    throw new FusewireError(
      `${where}: cache and past_key_values are two names of one option; give one of them`,
    );
  return { ...rest, past_key_values: cache };
}

/** The given cache as results name it; nothing where none was given. */
export const resultCache = (cache: Cache | undefined): GivenCache =>
  cache ? { cache, past_key_values: cache } : {};
