import { FusewireError } from "@fusewire/ir";
import type { RawConfig } from "@fusewire/models";
import { Cache } from "./cache.ts";
import {
  type CacheArguments,
  type CacheOptions,
  emptyHold,
  readArguments,
  type StaticCacheOptions,
} from "./options.ts";

/** A cache of a fixed size: its memory is made once, and a text that does not fit is an error. */
export class StaticCache extends Cache {
  constructor(...args: CacheArguments<StaticCacheOptions>) {
    super(fixedHold("StaticCache", args));
  }
}

/** A static cache of a model whose layers have sliding windows; each keeps a ring of its last tokens, as in any cache. */
export class SlidingWindowCache extends Cache {
  constructor(...args: CacheArguments<StaticCacheOptions>) {
    const { config } = readArguments("SlidingWindowCache", args, true);
    if (!config || !hasWindows(config))
      throw new FusewireError(
        "SlidingWindowCache is for models with sliding windows and takes their config: model.config; take StaticCache",
      );
    super(fixedHold("SlidingWindowCache", args));
  }
}

/** A cache that grows: its memory doubles, rows and slots, when a call needs more. */
export class DynamicCache extends Cache {
  constructor(...args: CacheArguments<CacheOptions> | []) {
    super(emptyHold("DynamicCache", readArguments("DynamicCache", args, false)));
  }
}

/**
 * A cache that grows and keeps keys and values as bytes with one scale a token and head: each is rounded once, when it
 * is written, where Hugging Face's QuantizedCache rounds again whenever its residual part is full.
 */
export class QuantizedCache extends Cache {
  constructor(...args: CacheArguments<Omit<CacheOptions, "dtype">> | []) {
    const given = readArguments("QuantizedCache", args, false);
    super(emptyHold("QuantizedCache", { ...given, dtype: "int8" }));
  }
}

function fixedHold(name: string, args: CacheArguments<StaticCacheOptions>) {
  const given = readArguments(name, args, true);
  if (given.max_cache_len === undefined)
    throw new FusewireError(`${name} needs max_cache_len, the tokens that a row may hold`);
  return emptyHold(name, given);
}

function hasWindows({ values }: RawConfig): boolean {
  const { layer_types, sliding_window, use_sliding_window } = values;
  if (Array.isArray(layer_types)) return layer_types.includes("sliding_attention");
  return typeof sliding_window === "number" && use_sliding_window !== false;
}
