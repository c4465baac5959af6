import { FusewireError } from "@fusewire/ir";
import type { GenerationDefaults } from "@fusewire/models";
import type { AssistantOptions } from "../candidates/assistant_options.ts";
import type { PromptLookupOptions } from "../candidates/prompt_lookup.ts";
import { GENERATE_COMPAT, isAccepted } from "../compat.ts";
import type { Runtime } from "../runtime.ts";
import { assistantOf } from "./assistant.ts";
import { checkOptions } from "./check.ts";
import { OPTIONS } from "./table.ts";
import type { GenerationOptions } from "./types.ts";

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
