import { FusewireError } from "@fusewire/ir";
import type { GenerationDefaults } from "@fusewire/models";
import { type Cache, holdOf } from "../cache/cache.ts";
import { withOneCache } from "../cache/given_cache.ts";
import type { CacheHold } from "../cache/hold.ts";
import { implementationOf, type OwnCache } from "../cache/implementation.ts";
import type { AssistantOptions } from "../candidates/assistant_options.ts";
import type { LookupOptions } from "../candidates/prompt_lookup.ts";
import type { ModelInputs } from "../rows.ts";
import type { Runtime } from "../runtime.ts";
import { assistantOf } from "./assistant.ts";
import { checkConfig, checkOptions } from "./check.ts";
import { checkCaches, checkConflicts, type GivenOptions, guidanceScaleOf } from "./conflicts.ts";
import { idleOptions } from "./idle.ts";
import { type GenerationModes, modesOf } from "./modes.ts";
import type { GenerationOptions } from "./types.ts";

/** Options after defaults are filled in and everything is checked. */
export interface ResolvedOptions extends GenerationModes {
  readonly maxNewTokens: (promptLength: number, maxPositions: number) => number;
  readonly sample: boolean;
  /** The value of each processor's option. */
  readonly values: Readonly<Record<string, unknown>>;
  /** What the options say that changes nothing: a sentence each. */
  readonly notices: readonly string[];
  readonly seed: number | readonly number[] | undefined;
  /** Set where tokens are to be proposed by prompt lookup. */
  readonly lookup: LookupOptions | undefined;
  readonly speculation: "always" | "auto";
  /** Set where an assistant drafts. */
  readonly assistant: { readonly runtime: Runtime; readonly options: AssistantOptions } | undefined;
  /** Set where scores are guided away from those behind other prompts. */
  readonly guidance: Guidance | undefined;
  /** The caller's cache to go on from, and what it holds. */
  readonly cache: Cache | undefined;
  readonly pastKeyValues: CacheHold | undefined;
  /** How the model's own cache is made. */
  readonly ownCache: OwnCache;
  readonly eos: readonly number[];
  /** What fills rows that have ended; nothing where the model names neither it nor an end token. */
  readonly pad: number | undefined;
  readonly signal: AbortSignal | undefined;
}

/** Joins what the caller asks for with the checkpoint's defaults. Anything unknown, out of range or in conflict is an error that names it. */
export function resolveOptions(asked: GenerationOptions, defaults: GenerationDefaults): ResolvedOptions {
  const { generation_config = {}, ...options } = withOneCache(asked, "generate()");
  checkCaches(options);
  checkOptions(asked, "generate()");
  // What was given closer to the call hides what stands further off.
  const config = without(present(generation_config), options);
  const own = without(present(defaults), { ...config, ...options });
  // null says that there is none, whatever stands further off; so says Hugging Face's default of 50 for top_k.
  const joined = { top_k: 50, ...own, ...config, ...withoutUndefined(options) };
  const given = present(joined) as GivenOptions;
  const sample = given.do_sample ?? false;
  checkConfig(config, given, "generation_config");
  checkConfig(own, given, "model.generation_config");
  checkConflicts(given);
  const notices = idleOptions(given, options);
  const eos = [given.eos_token_id ?? []].flat() as number[];
  return {
    ...modesOf(given),
    maxNewTokens: (promptLength, maxPositions) =>
      newTokenLimit([options, generation_config], defaults, promptLength, maxPositions),
    sample,
    values: valuesOf(given),
    seed: given.seed,
    lookup: lookupOf(given, eos),
    speculation: given.speculation ?? "always",
    assistant: options.assistant_model && assistantOf(options.assistant_model),
    guidance: guidanceOf(given),
    cache: options.past_key_values,
    pastKeyValues: options.past_key_values && holdOf(options.past_key_values),
    ownCache: {
      implementation: implementationOf(given.cache_implementation),
      ...(given.max_cache_len && { leastLength: given.max_cache_len }),
    },
    notices,
    eos,
    pad: given.pad_token_id ?? eos[0],
    signal: options.signal,
  };
}

/** How far scores are led away from those behind which prompts: the last token of each where none are given. */
export interface Guidance {
  readonly scale: number;
  readonly negatives: ModelInputs | undefined;
}

function guidanceOf(given: GivenOptions): Guidance | undefined {
  const { negative_prompt_ids: input_ids, negative_prompt_attention_mask } = given;
  const scale = guidanceScaleOf(given);
  if (scale === 1) return undefined;
  return {
    scale,
    negatives: input_ids && {
      input_ids,
      ...(negative_prompt_attention_mask && { attention_mask: negative_prompt_attention_mask }),
    },
  };
}

/** How prompt lookup is asked for, where it is. */
function lookupOf(given: GenerationOptions, eos: readonly number[]): LookupOptions | undefined {
  const { prompt_lookup_num_tokens: numTokens, max_matching_ngram_size, prompt_lookup_method } = given;
  if (!numTokens) return undefined;
  if (prompt_lookup_method === "suffix" && max_matching_ngram_size !== undefined)
    throw new FusewireError(
      "prompt_lookup_method 'suffix' looks for ends of any length, and max_matching_ngram_size limits them; leave one of them out",
    );
  return { numTokens, maxNgram: max_matching_ngram_size ?? 2, method: prompt_lookup_method ?? "ngram", eos };
}

/** Options of processors. `min_length` becomes what `min_new_tokens` says, as in Hugging Face. */
function valuesOf({ min_length, ...given }: GivenOptions): Readonly<Record<string, unknown>> {
  return given.min_new_tokens === undefined && min_length !== undefined ? { ...given, min_length } : given;
}

/**
 * How many tokens may be added: max_new_tokens goes before max_length, whoever sets them (as in Hugging Face), and then
 * the caller's options before the checkpoint's.
 */
function newTokenLimit(
  callers: readonly Lengths[],
  defaults: Lengths,
  promptLength: number,
  maxPositions: number,
): number {
  const levels = [...callers, defaults];
  const level = levels.find((o) => o.max_new_tokens != null) ?? levels.find((o) => o.max_length != null);
  // Hugging Face's default length: 20 more than the prompt, within what the model can hold.
  if (!level) return Math.max(1, Math.min(20, maxPositions - promptLength));
  const asked = level.max_new_tokens ?? level.max_length! - promptLength;
  // Checkpoints name limits of other models; a caller's own is taken at its word.
  const limit = level === defaults ? Math.min(asked, Math.max(1, maxPositions - promptLength)) : asked;
  if (limit < 1)
    throw new FusewireError(
      `max_length ${level.max_length} leaves no room after a prompt of ${promptLength} tokens; raise it or set max_new_tokens`,
    );
  return limit;
}

/** How long texts may become. */
type Lengths = Pick<GenerationDefaults, "max_new_tokens" | "max_length">;

const withoutUndefined = (record: object): object =>
  Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined));

/** The settings that a config has; null stands for none, as in Hugging Face's files. */
const present = (config: object): object =>
  Object.fromEntries(Object.entries(config).filter(([, value]) => value !== undefined && value !== null));

/** The settings that `other` does not give. */
const without = (config: object, other: object): object => {
  const given = Object.keys(withoutUndefined(other));
  return Object.fromEntries(Object.entries(config).filter(([name]) => !given.includes(name)));
};
