import { FusewireError } from "@fusewire/ir";
import { type JsonValue, kindOf, type ModelFiles, readJson } from "../files/index.ts";

/** Token ids: one, or several of which any counts. */
export type TokenIds = number | readonly number[];

interface KindTypes {
  readonly number: number;
  readonly integer: number;
  readonly count: number;
  readonly boolean: boolean;
  readonly text: string;
  readonly ids: TokenIds;
  readonly any: JsonValue;
}
type Kind = keyof KindTypes;

const KINDS: { readonly [K in Kind]: { readonly expected: string; accepts(value: JsonValue): boolean } } = {
  number: { expected: "a number", accepts: (value) => typeof value === "number" },
  integer: { expected: "an integer", accepts: (value) => Number.isSafeInteger(value) },
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
  // A length of -1 stands in files whose programs set max_new_tokens; it is refused where it would count.
  max_length: "integer",
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
  max_cache_len: "count",
  cache_config: "any",
  prefill_chunk_size: "count",
  temperature: "number",
  // -1 says "off" in files of other programs; transformers refuses it when it samples.
  top_k: "integer",
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
  watermarking_config: "any",
  constraints: "any",
  diversity_penalty: "any",
  dola_layers: "any",
  force_words_ids: "any",
  num_beam_groups: "any",
  penalty_alpha: "any",
  token_healing: "any",
  bos_token_id: "ids",
  eos_token_id: "ids",
  pad_token_id: "count",
} as const satisfies Readonly<Record<string, Kind>>;

type Key = keyof typeof KEYS;

/** What each setting of a generation config may be, by its name; `expected` completes "must be". */
export const GENERATION_SETTINGS: Readonly<Record<string, (typeof KINDS)[Kind]>> = Object.fromEntries(
  Object.entries(KEYS).map(([key, kind]) => [key, KINDS[kind]]),
);

/** What a checkpoint says about generation; keys that it leaves out or sets to null are absent. */
export type GenerationDefaults = { readonly [K in Key]?: KindTypes[(typeof KEYS)[K]] };

const FILE = "generation_config.json";

const TOKENS: readonly Key[] = ["bos_token_id", "eos_token_id", "pad_token_id"];

/**
 * Reads generation_config.json; where there is none, the bos, eos and pad token ids of config.json stand in, as in
 * transformers.
 */
export async function readGenerationConfig(files: ModelFiles): Promise<GenerationDefaults> {
  const result: Partial<Record<Key, JsonValue>> = {};
  const generation = await readJson(files, FILE);
  const config = generation ? undefined : await readJson(files, "config.json");
  for (const key of Object.keys(KEYS) as Key[]) {
    const source = generation ?? (TOKENS.includes(key) ? config : undefined);
    const kind = KINDS[KEYS[key]];
    const value = withoutAbsentIds(source?.[key] ?? undefined, KEYS[key], key);
    if (value === undefined) continue;
    if (!kind.accepts(value))
      throw new FusewireError(
        `'${key}' of ${generation ? FILE : "config.json"} is ${kindOf(value)}, expected ${kind.expected}; correct it`,
      );
    result[key] = value;
  }
  return result as GenerationDefaults;
}

/** Files write -1, alone or in a list, for a token that their model does not have. */
function withoutAbsentIds(value: JsonValue | undefined, kind: Kind, key: Key): JsonValue | undefined {
  if (kind !== "ids" && !TOKENS.includes(key)) return value;
  if (value === -1) return undefined;
  if (!Array.isArray(value)) return value;
  const present = value.filter((id) => id !== -1);
  return present.length === 0 && value.length > 0 ? undefined : present;
}

function isCount(value: JsonValue): boolean {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}
