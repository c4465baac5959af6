import { FusewireError } from "@fusewire/ir";
import type { GenerationDefaults } from "@fusewire/models";
import type { AssistantOptions } from "./candidates/assistant_options.ts";
import type { PromptLookupOptions } from "./candidates/prompt_lookup.ts";
import { GENERATE_COMPAT, isAccepted } from "./compat.ts";
import type { Runtime } from "./runtime.ts";

/** What is needed of a model that drafts. */
export interface AssistantModel {
  readonly runtime: Runtime;
  readonly generation_config: Pick<
    GenerationDefaults,
    "num_assistant_tokens_schedule" | "assistant_confidence_threshold"
  > & { num_assistant_tokens?: number };
}

/** Options of generate(), with Hugging Face's names and meaning (GenerationConfig). */
export interface GenerationOptions {
  /** New tokens at most; goes before max_length. 20 where neither is given. */
  max_new_tokens?: number;
  /** Length at most, prompt and its pads counted. */
  max_length?: number;
  /** Draw tokens instead of taking the likeliest. */
  do_sample?: boolean;
  temperature?: number;
  /** Keep the k likeliest tokens; 0 keeps all. 50 where sampling and not given. */
  top_k?: number;
  top_p?: number;
  min_p?: number;
  /** Keep the tokens of typical surprise that hold this mass. */
  typical_p?: number;
  epsilon_cutoff?: number;
  eta_cutoff?: number;
  repetition_penalty?: number;
  /** Sizes of n-grams that may not repeat; 0 for none. */
  no_repeat_ngram_size?: number;
  /** Sequences of ids that may not appear. */
  bad_words_ids?: readonly (readonly number[])[];
  /** Sequences of ids and what is added to the score of their last token. */
  sequence_bias?: readonly (readonly [readonly number[], number])[];
  /** No end before this length, prompt and its pads counted. */
  min_length?: number;
  min_new_tokens?: number;
  forced_bos_token_id?: number;
  forced_eos_token_id?: number | readonly number[];
  suppress_tokens?: readonly number[];
  begin_suppress_tokens?: readonly number[];
  /** From how many new tokens on, and by what factor a step, end tokens gain. */
  exponential_decay_length_penalty?: readonly [number, number];
  remove_invalid_values?: boolean;
  renormalize_logits?: boolean;
  /** A smaller model of the same tokenizer that drafts; how is in its own generation_config, as in Hugging Face. */
  assistant_model?: AssistantModel;
  /** Propose up to this many tokens that followed the row's end where it stood before, and verify them in one step. */
  prompt_lookup_num_tokens?: number;
  /** Longest end of the row that prompt lookup looks for. */
  max_matching_ngram_size?: number;
  /** One for all rows, from which each row's own is made, or one for each row. Random where not given. */
  seed?: number | readonly number[];
  /** Ids that end a row; an empty list for none. */
  eos_token_id?: number | readonly number[] | null;
  /** Fills rows that ended before others; the first end token where not given. */
  pad_token_id?: number | null;
  /** Stops the generation between two steps. */
  signal?: AbortSignal;
}

export type OptionKind = "integer" | "number" | "boolean" | "ids" | "json" | "seed" | "signal" | "model";

interface OptionSpec {
  readonly kind: OptionKind;
  readonly sampling?: boolean;
  /** What is allowed, as a sentence of an error message completes "must be". */
  readonly allowed: string;
  readonly accepts: (value: unknown) => boolean;
}

const isNumber = (value: unknown): value is number => typeof value === "number" && Number.isFinite(value);
const integer = (min: number) => (value: unknown) => Number.isSafeInteger(value) && (value as number) >= min;
const between = (min: number, max: number) => (value: unknown) =>
  isNumber(value) && value >= min && value <= max;
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
  typical_p: { kind: "number", sampling: true, allowed: "between 0 and 1", accepts: share },
  epsilon_cutoff: { kind: "number", sampling: true, allowed: "from 0 to below 1", accepts: below1 },
  eta_cutoff: { kind: "number", sampling: true, allowed: "from 0 to below 1", accepts: below1 },
  no_repeat_ngram_size: { kind: "integer", allowed: "an integer of 0 or more", accepts: integer(0) },
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
  signal: { kind: "signal", allowed: "an AbortSignal", accepts: (value) => value instanceof AbortSignal },
};

/** What checkpoints say of caches means nothing here: the graph decides. */
const IGNORED_IN_FILES: Readonly<Record<string, true>> = { cache_implementation: true };

/** Options after defaults are filled in and everything is checked. */
export interface ResolvedOptions {
  readonly maxNewTokens: (promptLength: number, maxPositions: number) => number;
  readonly sample: boolean;
  /** The value of each processor's option. */
  readonly values: Readonly<Record<string, unknown>>;
  readonly seed: number | readonly number[] | undefined;
  /** Set where tokens are to be proposed by prompt lookup. */
  readonly lookup: PromptLookupOptions | undefined;
  /** Set where an assistant drafts. */
  readonly assistant: { readonly runtime: Runtime; readonly options: AssistantOptions } | undefined;
  readonly eos: readonly number[];
  readonly pad: number;
  readonly signal: AbortSignal | undefined;
}

/** Joins what the caller asks for with the checkpoint's defaults. Anything unknown, out of range or in conflict is an error that names it. */
export function resolveOptions(options: GenerationOptions, defaults: GenerationDefaults): ResolvedOptions {
  checkOptions(options, "generate()");
  const given = { ...withoutUndefined(defaults), ...withoutUndefined(options) } as GenerationDefaults &
    GenerationOptions;
  for (const [name, value] of Object.entries(defaults))
    if (
      Object.hasOwn(GENERATE_COMPAT, name) &&
      IGNORED_IN_FILES[name] === undefined &&
      !isAccepted(GENERATE_COMPAT, name, value)
    )
      throw new FusewireError(
        `the model's generation config sets '${name}' (${JSON.stringify(value)}): ${GENERATE_COMPAT[name]!.meaning}; delete it from model.generation_config to go without`,
      );
  const sample = given.do_sample ?? false;
  if (!sample)
    for (const [name, { sampling }] of Object.entries(OPTIONS))
      if (sampling && options[name as keyof GenerationOptions] !== undefined)
        throw new FusewireError(
          `'${name}' has no effect while do_sample is false; set do_sample: true or leave '${name}' out`,
        );
  const forced = [given.forced_eos_token_id ?? []].flat();
  const suppressed = [given.suppress_tokens ?? []].flat();
  if (forced.length > 0 && forced.every((id) => suppressed.includes(id)))
    throw new FusewireError(
      "every forced_eos_token_id is also in suppress_tokens; take it out of one of them",
    );
  if (given.assistant_model && given.prompt_lookup_num_tokens)
    throw new FusewireError("assistant_model and prompt_lookup_num_tokens both draft; give one of them");
  const eos = [given.eos_token_id ?? []].flat() as number[];
  return {
    maxNewTokens: (promptLength, maxPositions) =>
      newTokenLimit(options, defaults, promptLength, maxPositions),
    sample,
    // Hugging Face's own default keeps 50 tokens where sampling.
    values: { top_k: 50, ...given },
    seed: given.seed,
    lookup: given.prompt_lookup_num_tokens
      ? { numTokens: given.prompt_lookup_num_tokens, maxNgram: given.max_matching_ngram_size ?? 2, eos }
      : undefined,
    assistant: options.assistant_model && assistantOf(options.assistant_model),
    eos,
    pad: given.pad_token_id ?? eos[0] ?? 0,
    signal: options.signal,
  };
}

const SCHEDULES = ["constant", "heuristic", "heuristic_transient"] as const;

/** Reads how an assistant drafts from its generation config, with Hugging Face's defaults. */
function assistantOf({
  runtime,
  generation_config,
}: AssistantModel): NonNullable<ResolvedOptions["assistant"]> {
  const {
    num_assistant_tokens: numTokens = 20,
    num_assistant_tokens_schedule = "constant",
    assistant_confidence_threshold: threshold = 0.4,
  } = generation_config;
  const schedule = SCHEDULES.find((known) => known === num_assistant_tokens_schedule);
  if (!schedule)
    throw new FusewireError(
      `the assistant's num_assistant_tokens_schedule is '${num_assistant_tokens_schedule}'; choose one of ${SCHEDULES.join(", ")}`,
    );
  const remember = (count: number) => {
    generation_config.num_assistant_tokens = count;
  };
  return { runtime, options: { numTokens, schedule, threshold, remember } };
}

/** Checks names and ranges; `where` says whose options they are. */
export function checkOptions(options: GenerationOptions, where: string): void {
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined) continue;
    const spec = Object.hasOwn(OPTIONS, name) ? OPTIONS[name as keyof GenerationOptions] : undefined;
    if (!spec) {
      if (isAccepted(GENERATE_COMPAT, name, value)) continue;
      const reason = GENERATE_COMPAT[name]?.meaning ?? "not an option of generate()";
      throw new FusewireError(
        `${where}: '${name}': ${reason}; options are ${Object.keys(OPTIONS).join(", ")}`,
      );
    }
    const nullable = (name === "eos_token_id" || name === "pad_token_id") && value === null;
    if (!nullable && !spec.accepts(value))
      throw new FusewireError(`${where}: '${name}' must be ${spec.allowed}, not ${JSON.stringify(value)}`);
  }
}

/** How many tokens may be added: the caller's options go before the checkpoint's, max_new_tokens before max_length. */
function newTokenLimit(
  options: GenerationOptions,
  defaults: GenerationDefaults,
  promptLength: number,
  maxPositions: number,
): number {
  const level = [options, defaults].find((o) => o.max_new_tokens !== undefined || o.max_length !== undefined);
  // Hugging Face's default length: 20 more than the prompt, within what the model can hold.
  if (!level) return Math.max(1, Math.min(20, maxPositions - promptLength));
  const limit = level.max_new_tokens ?? level.max_length! - promptLength;
  if (limit < 1)
    throw new FusewireError(
      `max_length ${level.max_length} leaves no room after a prompt of ${promptLength} tokens; raise it or set max_new_tokens`,
    );
  return limit;
}

const withoutUndefined = (record: object): object =>
  Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined));
