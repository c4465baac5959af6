/** Options that were given and change nothing beside the others. Hugging Face takes them, so they are told of, not refused. */
import { FusewireError } from "@fusewire/ir";
import { implementationOf } from "../cache/implementation.ts";
import { beamsOf, drafting, type GivenOptions, guidanceScaleOf } from "./conflicts.ts";
import { OPTIONS } from "./table.ts";
import type { GenerationOptions } from "./types.ts";

interface Idle {
  readonly names: readonly (keyof GenerationOptions)[];
  readonly holds: (given: GivenOptions) => boolean;
  readonly why: string;
  readonly fix: string;
}

const SAMPLING = Object.entries(OPTIONS)
  .filter(([, { sampling }]) => sampling)
  .map(([name]) => name as keyof GenerationOptions);

const nothingIsLookedUp = (given: GivenOptions): boolean => !given.prompt_lookup_num_tokens;

/** Options of Hugging Face. */
const ACCEPTED: readonly Idle[] = [
  {
    names: SAMPLING,
    holds: (given) => !given.do_sample,
    why: "do_sample is false",
    fix: "set do_sample: true",
  },
  {
    names: ["max_length"],
    holds: ({ max_new_tokens }) => typeof max_new_tokens === "number",
    why: "max_new_tokens is set",
    fix: "set that",
  },
  {
    names: ["min_length"],
    holds: ({ min_new_tokens }) => typeof min_new_tokens === "number",
    why: "min_new_tokens is set",
    fix: "set that",
  },
  {
    names: ["length_penalty", "early_stopping"],
    holds: (given) => beamsOf(given) === 1,
    why: "num_beams is 1",
    fix: "set num_beams",
  },
  {
    names: ["negative_prompt_ids"],
    holds: (given) => guidanceScaleOf(given) === 1,
    why: "guidance_scale is 1",
    fix: "set guidance_scale",
  },
  {
    names: ["max_matching_ngram_size"],
    holds: nothingIsLookedUp,
    why: "nothing is looked up",
    fix: "set prompt_lookup_num_tokens",
  },
];

/** Options of our own, which no code was carried over with. */
const REFUSED: readonly Idle[] = [
  {
    names: ["max_cache_len"],
    holds: ({ cache_implementation }) => implementationOf(cache_implementation) !== "static",
    why: "the cache is not static",
    fix: 'set cache_implementation: "static"',
  },
  {
    names: ["prompt_lookup_method"],
    holds: nothingIsLookedUp,
    why: "nothing is looked up",
    fix: "set prompt_lookup_num_tokens",
  },
  {
    names: ["speculation"],
    holds: (given) => !drafting(given),
    why: "nothing drafts",
    fix: "set assistant_model or prompt_lookup_num_tokens",
  },
];

const told = (table: readonly Idle[], given: GivenOptions, explicit: GenerationOptions): readonly string[] =>
  table
    .filter(({ holds }) => holds(given))
    .flatMap(({ names, why, fix }) =>
      names
        .filter((name) => (explicit[name] ?? undefined) !== undefined)
        .map((name) => `'${name}' has no effect while ${why}; ${fix} or leave '${name}' out`),
    );

/** A sentence for each option in `explicit`, those that the caller gave, that changes nothing; one of our own is an error. */
export function idleOptions(given: GivenOptions, explicit: GenerationOptions): readonly string[] {
  const [refused] = told(REFUSED, given, explicit);
  if (refused !== undefined) throw new FusewireError(refused);
  return told(ACCEPTED, given, explicit);
}
