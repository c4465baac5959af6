import { FusewireError } from "@fusewire/ir";
import type { GenerationDefaults } from "@fusewire/models";
import { holdOf } from "../cache/cache.ts";
import type { CacheHold } from "../cache/hold.ts";
import { type CacheImplementation, implementationOf } from "../cache/implementation.ts";
import type { AssistantOptions } from "../candidates/assistant_options.ts";
import type { LookupOptions } from "../candidates/prompt_lookup.ts";
import { GENERATE_COMPAT, isAccepted } from "../compat.ts";
import type { ModelInputs } from "../rows.ts";
import type { Runtime } from "../runtime.ts";
import { assistantOf } from "./assistant.ts";
import { checkOptions } from "./check.ts";
import { checkCaches, checkConflicts, type GivenOptions, guidanceScaleOf } from "./conflicts.ts";
import { type GenerationModes, modesOf } from "./modes.ts";
import { OPTIONS } from "./table.ts";
import type { GenerationOptions } from "./types.ts";

/** Options after defaults are filled in and everything is checked. */
export interface ResolvedOptions extends GenerationModes {
  readonly maxNewTokens: (promptLength: number, maxPositions: number) => number;
  readonly sample: boolean;
  /** The value of each processor's option. */
  readonly values: Readonly<Record<string, unknown>>;
  readonly seed: number | readonly number[] | undefined;
  /** Set where tokens are to be proposed by prompt lookup. */
  readonly lookup: LookupOptions | undefined;
  readonly speculation: "always" | "auto";
  /** Set where an assistant drafts. */
  readonly assistant: { readonly runtime: Runtime; readonly options: AssistantOptions } | undefined;
  /** Set where scores are guided away from those behind other prompts. */
  readonly guidance: Guidance | undefined;
  /** The cache to go on from. */
  readonly pastKeyValues: CacheHold | undefined;
  /** How the model's own cache is made. */
  readonly cacheImplementation: CacheImplementation | undefined;
  readonly eos: readonly number[];
  /** What fills rows that have ended; nothing where the model names neither it nor an end token. */
  readonly pad: number | undefined;
  readonly signal: AbortSignal | undefined;
}

/** Joins what the caller asks for with the checkpoint's defaults. Anything unknown, out of range or in conflict is an error that names it. */
export function resolveOptions(options: GenerationOptions, defaults: GenerationDefaults): ResolvedOptions {
  checkCaches(options);
  checkOptions(options, "generate()");
  const given = { ...withoutUndefined(defaults), ...withoutUndefined(options) } as GivenOptions;
  for (const [name, value] of Object.entries(defaults))
    if (Object.hasOwn(GENERATE_COMPAT, name) && !isAccepted(GENERATE_COMPAT, name, value))
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
  if (sample && (given.top_k ?? 0) < 0)
    throw new FusewireError(
      `the model's generation config sets top_k ${given.top_k}, which sampling cannot use; set top_k, 0 for all tokens`,
    );
  checkConflicts(given, options);
  const eos = [given.eos_token_id ?? []].flat() as number[];
  return {
    ...modesOf(given),
    maxNewTokens: (promptLength, maxPositions) =>
      newTokenLimit(options, defaults, promptLength, maxPositions),
    sample,
    // Hugging Face's own default keeps 50 tokens where sampling.
    values: { top_k: 50, ...given },
    seed: given.seed,
    lookup: lookupOf(given, eos),
    speculation: given.speculation ?? "always",
    assistant: options.assistant_model && assistantOf(options.assistant_model),
    guidance: guidanceOf(given),
    pastKeyValues: options.past_key_values && holdOf(options.past_key_values),
    cacheImplementation: implementationOf(given.cache_implementation),
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
  const asked = level.max_new_tokens ?? level.max_length! - promptLength;
  // Checkpoints name limits of other models; a caller's own is taken at its word.
  const limit = level === options ? asked : Math.min(asked, Math.max(1, maxPositions - promptLength));
  if (limit < 1)
    throw new FusewireError(
      `max_length ${level.max_length} leaves no room after a prompt of ${promptLength} tokens; raise it or set max_new_tokens`,
    );
  return limit;
}

const withoutUndefined = (record: object): object =>
  Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined));
