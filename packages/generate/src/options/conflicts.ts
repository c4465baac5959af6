import { FusewireError } from "@fusewire/ir";
import type { GenerationDefaults } from "@fusewire/models";
import type { CompileSettings } from "../compile/settings.ts";
import type { GenerationOptions } from "./types.ts";

export type GivenOptions = Omit<GenerationDefaults, keyof GenerationOptions> & GenerationOptions;

/** Options that cannot be met together. */
interface Conflict {
  readonly holds: (given: GivenOptions) => unknown;
  readonly message: (given: GivenOptions) => string;
}

export const beamsOf = ({ num_beams }: GivenOptions): number => num_beams ?? 1;
const returnedOf = ({ num_return_sequences }: GivenOptions): number => num_return_sequences ?? 1;

/** What drafts, where something does. */
export const drafting = (given: GivenOptions): string | undefined =>
  given.assistant_model
    ? "assistant_model"
    : given.prompt_lookup_num_tokens
      ? "prompt_lookup_num_tokens"
      : undefined;

/** Options of which a step of speculation, which verifies several tokens at once, knows nothing. */
const ONE_BY_ONE = [
  "output_scores",
  "output_logits",
  "output_logprobs",
  "logits_processor",
  "prefix_allowed_tokens_fn",
  "watermarking_config",
] as const;

/** 1 for no guidance, which generation_config may also say by null. */
export const guidanceScaleOf = ({ guidance_scale }: GivenOptions): number => guidance_scale ?? 1;

/** What knows nothing of a second text beside each. */
const UNGUIDED: readonly (readonly [name: string, holds: (given: GivenOptions) => unknown])[] = [
  ["num_beams", (given) => beamsOf(given) > 1],
  ["num_return_sequences", (given) => returnedOf(given) > 1],
  ["assistant_model", (given) => given.assistant_model],
  ["prompt_lookup_num_tokens", (given) => given.prompt_lookup_num_tokens],
  ["past_key_values", (given) => given.past_key_values],
  ["logits_processor", (given) => isSet(given.logits_processor)],
  ["prefix_allowed_tokens_fn", (given) => given.prefix_allowed_tokens_fn],
  ["watermarking_config", (given) => given.watermarking_config],
];

const isSet = (value: unknown): boolean =>
  Array.isArray(value) ? value.length > 0 : value !== undefined && value !== false;

const CONFLICTS: readonly Conflict[] = [
  {
    holds: (given) => returnedOf(given) > 1 && beamsOf(given) === 1 && !given.do_sample,
    message: (given) =>
      `num_return_sequences ${returnedOf(given)} with do_sample false and num_beams 1 would return one text several times; set do_sample: true or num_beams`,
  },
  {
    holds: (given) => beamsOf(given) > 1 && returnedOf(given) > beamsOf(given),
    message: (given) =>
      `num_return_sequences ${returnedOf(given)} is more than num_beams ${beamsOf(given)}, and each beam is one text; raise num_beams`,
  },
  {
    holds: (given) => beamsOf(given) > 1 && drafting(given),
    message: (given) =>
      `num_beams ${beamsOf(given)} and ${drafting(given)} exclude each other: drafts follow one text; leave one of them out`,
  },
  {
    holds: (given) => given.streamer && beamsOf(given) > 1,
    message: (given) =>
      `streamer and num_beams ${beamsOf(given)} exclude each other: beams have their texts at the end; leave one of them out`,
  },
  {
    holds: (given) => given.streamer && returnedOf(given) > 1,
    message: (given) =>
      `streamer takes one text, and num_return_sequences is ${returnedOf(given)}; leave one of them out`,
  },
  {
    holds: (given) => beamsOf(given) > 1 && isSet(given.stopping_criteria),
    message: () =>
      "num_beams and stopping_criteria exclude each other: beams are chosen on the device, before JavaScript sees them; use stop_strings, eos_token_id or max_time",
  },
  ...ONE_BY_ONE.map(
    (name): Conflict => ({
      holds: (given) => isSet(given[name]) && drafting(given),
      message: (given) =>
        `${name} and ${drafting(given)} exclude each other: scores of verified drafts stay on the device; leave one of them out`,
    }),
  ),
  ...UNGUIDED.map(
    ([name, holds]): Conflict => ({
      holds: (given) => guidanceScaleOf(given) !== 1 && holds(given),
      message: (given) =>
        `guidance_scale ${guidanceScaleOf(given)} and ${name} exclude each other: each text is decoded beside another, on the device; leave one of them out`,
    }),
  ),
  {
    holds: (given) => given.negative_prompt_attention_mask && !given.negative_prompt_ids,
    message: () => "negative_prompt_attention_mask is of negative_prompt_ids; give both",
  },
  {
    holds: (given) => given.assistant_model && given.prompt_lookup_num_tokens,
    message: () => "assistant_model and prompt_lookup_num_tokens both draft; give one of them",
  },
  {
    holds: (given) => isSet(given.stop_strings) && !given.tokenizer,
    message: () => "stop_strings needs the option tokenizer, which knows the text of tokens; give both",
  },
  {
    holds: (given) => given.past_key_values && beamsOf(given) > 1,
    message: (given) =>
      `num_beams ${beamsOf(given)} keeps its texts in a cache of its own; leave past_key_values out`,
  },
  {
    holds: (given) => given.past_key_values && returnedOf(given) > 1,
    message: (given) =>
      `num_return_sequences ${returnedOf(given)} and past_key_values exclude each other: the cache holds one row for each prompt; repeat the rows yourself`,
  },
  {
    holds: ({ forced_eos_token_id, suppress_tokens }) => {
      const forced = [forced_eos_token_id ?? []].flat();
      const suppressed = [suppress_tokens ?? []].flat();
      return forced.length > 0 && forced.every((id) => suppressed.includes(id));
    },
    message: () => "every forced_eos_token_id is also in suppress_tokens; take it out of one of them",
  },
];

/** Throws for options that exclude each other, naming both. */
export function checkConflicts(given: GivenOptions): void {
  for (const { holds, message } of CONFLICTS) if (holds(given)) throw new FusewireError(message(given));
}

/** Throws where `fullgraph` is asked for and JavaScript would take part in a generation. */
export function checkFullgraph(given: GenerationOptions, { fullgraph }: CompileSettings): void {
  const names = ["logits_processor", "prefix_allowed_tokens_fn", "stopping_criteria"] as const;
  const found = names.find((name) => isSet(given[name]));
  if (fullgraph && found)
    throw new FusewireError(
      `compile: fullgraph is true, and '${found}' runs in JavaScript; leave one of them out`,
    );
}

/** What options may say of caches, built or not. */
interface CacheSayings {
  readonly past_key_values?: unknown;
  readonly cache_implementation?: unknown;
  readonly use_cache?: boolean;
}

/** Throws for options that say two things of one cache; goes before the check of each alone. */
export function checkCaches({ past_key_values, cache_implementation, use_cache }: CacheSayings): void {
  if (!past_key_values) return;
  if (cache_implementation)
    throw new FusewireError(
      `past_key_values is a cache, and cache_implementation '${cache_implementation}' asks for another; give one of them`,
    );
  if (use_cache === false)
    throw new FusewireError("past_key_values is a cache, and use_cache is false; give one of them");
}
