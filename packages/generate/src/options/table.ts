import { Cache } from "../cache/cache.ts";
import { CACHE_IMPLEMENTATIONS } from "../cache/implementation.ts";
import { isWatermark } from "../processors/watermark.ts";
import type { GenerationOptions } from "./types.ts";

export type OptionKind =
  | "integer"
  | "number"
  | "boolean"
  | "ids"
  | "json"
  | "seed"
  | "signal"
  | "model"
  | "cache"
  | "config"
  | "text"
  | "tokenizer"
  | "functions";

interface OptionSpec {
  readonly kind: OptionKind;
  /** Whether it means nothing without do_sample. */
  readonly sampling?: boolean;
  /** What is allowed, as a sentence of an error message completes "must be". */
  readonly allowed: string;
  readonly accepts: (value: unknown) => boolean;
}

const isNumber = (value: unknown): value is number => typeof value === "number" && Number.isFinite(value);
const integer = (min: number) => (value: unknown) => Number.isSafeInteger(value) && (value as number) >= min;
const between = (min: number, max: number) => (value: unknown) =>
  isNumber(value) && value >= min && value <= max;
const oneOf =
  (...words: readonly string[]) =>
  (value: unknown) =>
    typeof value === "string" && words.includes(value);
const positive = (value: unknown) => isNumber(value) && value > 0;
const listOf = (accepts: (value: unknown) => boolean) => (value: unknown) =>
  Array.isArray(value) ? value.every(accepts) : accepts(value);
const isBoolean = (value: unknown) => typeof value === "boolean";
const isId = integer(0);
const isSequence = (value: unknown) => Array.isArray(value) && value.length > 0 && value.every(isId);
const pairOf =
  (first: (value: unknown) => boolean, second: (value: unknown) => boolean) => (value: unknown) =>
    Array.isArray(value) && value.length === 2 && first(value[0]) && second(value[1]);
const share = between(0, 1);
const below1 = (value: unknown) => share(value) && value !== 1;
const above0 = (value: unknown) => share(value) && value !== 0;
const isText = (value: unknown) => typeof value === "string" && value !== "";
const isFunction = (value: unknown) => typeof value === "function";
const listOfFunctions = (value: unknown) => Array.isArray(value) && value.every(isFunction);
const isSeed = (value: unknown) => integer(0)(value) && (value as number) < 2 ** 32;

/** Every option, once: validation, the command's flags and the documentation read this table. */
export const OPTIONS: { readonly [K in keyof Required<GenerationOptions>]: OptionSpec } = {
  max_new_tokens: { kind: "integer", allowed: "an integer of 1 or more", accepts: integer(1) },
  max_length: { kind: "integer", allowed: "an integer of 1 or more", accepts: integer(1) },
  do_sample: { kind: "boolean", allowed: "true or false", accepts: isBoolean },
  temperature: { kind: "number", sampling: true, allowed: "a number above 0", accepts: positive },
  top_k: { kind: "integer", sampling: true, allowed: "an integer of 0 or more", accepts: integer(0) },
  top_p: { kind: "number", sampling: true, allowed: "between 0 and 1", accepts: share },
  min_p: { kind: "number", sampling: true, allowed: "between 0 and 1", accepts: share },
  repetition_penalty: { kind: "number", allowed: "a number above 0", accepts: positive },
  top_h: { kind: "number", sampling: true, allowed: "above 0, at most 1", accepts: above0 },
  typical_p: { kind: "number", sampling: true, allowed: "between 0 and 1", accepts: share },
  epsilon_cutoff: { kind: "number", sampling: true, allowed: "from 0 to below 1", accepts: below1 },
  eta_cutoff: { kind: "number", sampling: true, allowed: "from 0 to below 1", accepts: below1 },
  guidance_scale: { kind: "number", allowed: "a number", accepts: isNumber },
  negative_prompt_ids: {
    kind: "json",
    allowed: "rows of token ids, one for each prompt",
    accepts: (value) => Array.isArray(value) && value.every(isSequence),
  },
  negative_prompt_attention_mask: {
    kind: "json",
    allowed: "rows of 0 and 1, as negative_prompt_ids",
    accepts: (value) => Array.isArray(value) && value.every(isSequence),
  },
  encoder_repetition_penalty: { kind: "number", allowed: "a number above 0", accepts: positive },
  no_repeat_ngram_size: { kind: "integer", allowed: "an integer of 0 or more", accepts: integer(0) },
  encoder_no_repeat_ngram_size: {
    kind: "integer",
    allowed: "an integer of 0 or more",
    accepts: integer(0),
  },
  bad_words_ids: {
    kind: "json",
    allowed: "a list of lists of token ids",
    accepts: (value) => Array.isArray(value) && value.every(isSequence),
  },
  sequence_bias: {
    kind: "json",
    allowed: "a list of [token ids, bias]",
    accepts: (value) => Array.isArray(value) && value.every(pairOf(isSequence, isNumber)),
  },
  min_length: { kind: "integer", allowed: "an integer of 0 or more", accepts: integer(0) },
  min_new_tokens: { kind: "integer", allowed: "an integer of 0 or more", accepts: integer(0) },
  forced_bos_token_id: { kind: "integer", allowed: "a token id", accepts: isId },
  forced_eos_token_id: { kind: "ids", allowed: "a token id or a list of them", accepts: listOf(isId) },
  suppress_tokens: { kind: "ids", allowed: "a token id or a list of them", accepts: listOf(isId) },
  begin_suppress_tokens: { kind: "ids", allowed: "a token id or a list of them", accepts: listOf(isId) },
  exponential_decay_length_penalty: {
    kind: "json",
    allowed: "[new tokens, factor], the factor above 0",
    accepts: pairOf(integer(0), positive),
  },
  assistant_model: {
    kind: "model",
    allowed: "a loaded model",
    accepts: (value) => typeof value === "object" && value !== null && "runtime" in value,
  },
  prompt_lookup_num_tokens: { kind: "integer", allowed: "an integer of 1 or more", accepts: integer(1) },
  max_matching_ngram_size: { kind: "integer", allowed: "an integer of 1 or more", accepts: integer(1) },
  prompt_lookup_method: { kind: "text", allowed: "ngram or suffix", accepts: oneOf("ngram", "suffix") },
  speculation: { kind: "text", allowed: "always or auto", accepts: oneOf("always", "auto") },
  cache: {
    kind: "cache",
    allowed: "a cache such as new StaticCache({…}); the newer name of past_key_values",
    accepts: (value) => value instanceof Cache,
  },
  past_key_values: {
    kind: "cache",
    allowed: "a cache such as new StaticCache({…})",
    accepts: (value) => value instanceof Cache,
  },
  cache_implementation: {
    kind: "text",
    allowed: "static, dynamic or quantized (hybrid and sliding_window are older names of static)",
    accepts: (value) => typeof value === "string" && Object.hasOwn(CACHE_IMPLEMENTATIONS, value),
  },
  max_cache_len: {
    kind: "integer",
    allowed: "an integer of 1 or more; with cache_implementation static",
    accepts: integer(1),
  },
  remove_invalid_values: { kind: "boolean", allowed: "true or false", accepts: isBoolean },
  renormalize_logits: { kind: "boolean", allowed: "true or false", accepts: isBoolean },
  seed: {
    kind: "seed",
    sampling: true,
    allowed: "an integer from 0 to 2^32 - 1, or a list of them",
    accepts: listOf(isSeed),
  },
  eos_token_id: { kind: "ids", allowed: "a token id or a list of them", accepts: listOf(integer(0)) },
  pad_token_id: { kind: "integer", allowed: "a token id", accepts: integer(0) },
  num_return_sequences: { kind: "integer", allowed: "an integer of 1 or more", accepts: integer(1) },
  num_beams: { kind: "integer", allowed: "an integer of 1 or more", accepts: integer(1) },
  length_penalty: { kind: "number", allowed: "a number; with num_beams", accepts: isNumber },
  early_stopping: {
    kind: "json",
    allowed: "true, false or never; with num_beams",
    accepts: (value) => isBoolean(value) || value === "never",
  },
  max_time: { kind: "number", allowed: "seconds, above 0", accepts: positive },
  stop_strings: {
    kind: "json",
    allowed: "a text or a list of them",
    accepts: (value) => listOf(isText)(value),
  },
  tokenizer: {
    kind: "tokenizer",
    allowed: "a loaded tokenizer",
    accepts: (value) => isFunction(value) && "token_bytes" in (value as object),
  },
  output_scores: { kind: "boolean", allowed: "true or false", accepts: isBoolean },
  output_logits: { kind: "boolean", allowed: "true or false", accepts: isBoolean },
  output_logprobs: { kind: "boolean", allowed: "true or false", accepts: isBoolean },
  logits_processor: { kind: "functions", allowed: "a list of functions", accepts: listOfFunctions },
  watermarking_config: {
    kind: "json",
    allowed:
      "an object with greenlist_ratio between 0 and 1, bias, hashing_key, seeding_scheme 'lefthash' and context_width",
    accepts: isWatermark,
  },
  stopping_criteria: { kind: "functions", allowed: "a list of functions", accepts: listOfFunctions },
  prefix_allowed_tokens_fn: { kind: "functions", allowed: "a function", accepts: isFunction },
  generation_config: {
    kind: "config",
    allowed: "an object of settings such as { ...model.generation_config, top_k: 5 }",
    accepts: (value) => typeof value === "object" && value !== null && !Array.isArray(value),
  },
  streamer: {
    kind: "functions",
    allowed: "an object with put(ids) and end(), such as new TextStreamer(tokenizer)",
    accepts: (value) => typeof value === "object" && value !== null && "put" in value && "end" in value,
  },
  signal: { kind: "signal", allowed: "an AbortSignal", accepts: (value) => value instanceof AbortSignal },
};
