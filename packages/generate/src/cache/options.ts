import { FusewireError } from "@fusewire/ir";
import type { RawConfig } from "@fusewire/models";
import { CACHE_COMPAT, isAccepted } from "../compat.ts";
import { CACHE_DTYPES, type CacheDTypeName, choose } from "../dtypes.ts";
import type { CacheHold } from "./hold.ts";

/** What a cache is made for, with Hugging Face's names. */
export interface CacheOptions {
  /** The model's; only SlidingWindowCache needs it. */
  readonly config?: RawConfig;
  /** The device of the model, where it is to be checked. */
  readonly device?: string;
  /** How keys and values are kept; as the model's `cache_dtype` says where not given. */
  readonly dtype?: CacheDTypeName;
}

/** What a cache of a fixed size is made for. */
export interface StaticCacheOptions extends CacheOptions {
  /** Tokens a row, prompt and new ones together. */
  readonly max_cache_len: number;
  /** Rows; those of the first batch where not given, and more when a larger one comes. */
  readonly max_batch_size?: number;
}

/** Options alone, or as in newer versions of transformers the configuration and then the options. */
export type CacheArguments<O extends CacheOptions> =
  | readonly [options: O]
  | readonly [config: RawConfig, options: O];

const KNOWN = ["config", "device", "dtype"];
const SIZES = ["max_cache_len", "max_batch_size"];

/** The options of any cache. */
export type AnyCacheOptions = CacheOptions & Partial<StaticCacheOptions>;

/** Joins a constructor's arguments, checking every name and value. */
export function readArguments(
  name: string,
  [first, second]: CacheArguments<AnyCacheOptions> | readonly [],
  sized: boolean,
): AnyCacheOptions {
  const given: AnyCacheOptions = first && "modelType" in first ? { ...second, config: first } : (first ?? {});
  const known = sized ? [...KNOWN, ...SIZES] : KNOWN;
  for (const [option, value] of Object.entries(given))
    if (value !== undefined && !known.includes(option) && !isAccepted(CACHE_COMPAT, option, value))
      throw new FusewireError(
        `${name}: '${option}': ${CACHE_COMPAT[option]?.meaning ?? "not an option"}; options are ${known.join(", ")}`,
      );
  return given;
}

/** A cache that nothing is in yet. */
export function emptyHold(name: string, options: AnyCacheOptions): CacheHold {
  const { device, dtype, max_cache_len, max_batch_size } = options;
  return {
    name,
    maxLength: sizeOption(name, "max_cache_len", max_cache_len),
    maxRows: sizeOption(name, "max_batch_size", max_batch_size),
    dtype: dtype === undefined ? undefined : choose(`${name}: dtype`, dtype, CACHE_DTYPES),
    device,
    bound: undefined,
    rows: [],
    status: "free",
  };
}

function sizeOption(name: string, option: string, value: number | undefined): number | undefined {
  if (value === undefined || (Number.isSafeInteger(value) && value >= 1)) return value;
  throw new FusewireError(`${name}: '${option}' must be an integer of 1 or more, not ${value}`);
}
