import { FusewireError } from "@fusewire/ir";
import { type JsonValue, kindOf, type ModelFiles, readJson } from "../files/index.ts";

/** Token ids: one, or several of which any counts. */
export type TokenIds = number | readonly number[];

interface KindTypes {
  readonly number: number;
  readonly count: number;
  readonly boolean: boolean;
  readonly text: string;
  readonly ids: TokenIds;
  readonly any: JsonValue;
}
type Kind = keyof KindTypes;

const KINDS: { readonly [K in Kind]: { readonly expected: string; accepts(value: JsonValue): boolean } } = {
  number: { expected: "a number", accepts: (value) => typeof value === "number" },
  count: { expected: "an integer >= 0", accepts: isCount },
  boolean: { expected: "true or false", accepts: (value) => typeof value === "boolean" },
  text: { expected: "a text", accepts: (value) => typeof value === "string" },
  ids: {
    expected: "a token id or a list of them",
    accepts: (value) => isCount(value) || (Array.isArray(value) && value.every(isCount)),
  },
  any: { expected: "anything", accepts: () => true },
};

/** The keys of GenerationConfig that a checkpoint may set. Others in the file (versions, output flags) are left out. */
const KEYS = {
  max_length: "count",
  max_new_tokens: "count",
  min_length: "count",
  min_new_tokens: "count",
  early_stopping: "any",
  max_time: "number",
  stop_strings: "any",
  do_sample: "boolean",
  num_beams: "count",
  num_return_sequences: "count",
  use_cache: "boolean",
  cache_implementation: "text",
  cache_config: "any",
  prefill_chunk_size: "count",
  temperature: "number",
  top_k: "count",
  top_p: "number",
  min_p: "number",
  top_h: "number",
  typical_p: "number",
  epsilon_cutoff: "number",
  eta_cutoff: "number",
  repetition_penalty: "number",
  encoder_repetition_penalty: "number",
  length_penalty: "number",
  no_repeat_ngram_size: "count",
  encoder_no_repeat_ngram_size: "count",
  bad_words_ids: "any",
  renormalize_logits: "boolean",
  forced_bos_token_id: "count",
  forced_eos_token_id: "ids",
  remove_invalid_values: "boolean",
  exponential_decay_length_penalty: "any",
  suppress_tokens: "ids",
  begin_suppress_tokens: "ids",
  sequence_bias: "any",
  guidance_scale: "number",
  is_assistant: "boolean",
  num_assistant_tokens: "count",
  num_assistant_tokens_schedule: "text",
  assistant_confidence_threshold: "number",
  assistant_confidence_adaptive: "boolean",
  assistant_lookbehind: "count",
  target_lookbehind: "count",
  prompt_lookup_num_tokens: "count",
  max_matching_ngram_size: "count",
  bos_token_id: "count",
  eos_token_id: "ids",
  pad_token_id: "count",
} as const satisfies Readonly<Record<string, Kind>>;

type Key = keyof typeof KEYS;

/** What a checkpoint says about generation; keys that it leaves out or sets to null are absent. */
export type GenerationDefaults = { readonly [K in Key]?: KindTypes[(typeof KEYS)[K]] };

const FILE = "generation_config.json";

/**
 * Reads generation_config.json. Where it is missing, or has no bos, eos or pad token id, those of config.json stand in.
 */
export async function readGenerationConfig(files: ModelFiles): Promise<GenerationDefaults> {
  const result: Partial<Record<Key, JsonValue>> = {};
  const generation = await readJson(files, FILE);
  const config = await readJson(files, "config.json");
  for (const key of Object.keys(KEYS) as Key[]) {
    const isToken = key === "bos_token_id" || key === "eos_token_id" || key === "pad_token_id";
    const own = generation?.[key] ?? undefined;
    const value = own ?? (isToken ? config?.[key] : undefined) ?? undefined;
    // The first Llama files write -1 for a token that they do not have.
    if (value === undefined || (isToken && value === -1)) continue;
    const kind = KINDS[KEYS[key]];
    if (!kind.accepts(value))
      throw new FusewireError(
        `'${key}' of ${own === undefined ? "config.json" : FILE} is ${kindOf(value)}, expected ${kind.expected}; correct it`,
      );
    result[key] = value;
  }
  return result as GenerationDefaults;
}

function isCount(value: JsonValue): boolean {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}
