import {
  type Cache,
  type CausalLM,
  DynamicCache,
  type GenerationOptions,
  type GenerationResult,
  type GenerationStep,
  OPTIONS,
  QuantizedCache,
  StaticCache,
} from "@fusewire/generate";
import type { Tokenizer } from "@fusewire/models";
import { endsOfTurns } from "../chat_prompt.ts";
import type { EncodeChat, Space } from "./conversation.ts";

/** A model that conversations run on, and what it keeps from one turn to the next. */
export interface ChatModel {
  /** Goes on after these ids: all of the conversation, of which the model may know the beginning from before. */
  readonly stream: (
    ids: readonly number[],
    options: GenerationOptions,
  ) => AsyncGenerator<GenerationStep, GenerationResult>;
  /** Forgets what it keeps. */
  readonly reset: () => void;
}

/**
 * A cache is kept over turns, so that each computes only what it adds: the longest beginning that it has in common with
 * what the cache holds is not computed again, also where the oldest turns were left out or an answer was stopped.
 */
export function cachedTurns(model: CausalLM, cache: Cache): ChatModel {
  return {
    stream: (ids, options) => {
      // Beams have a cache of their own.
      const beams = options.num_beams ?? model.generation_config.num_beams ?? 1;
      return model.stream(
        { input_ids: [ids] },
        { ...options, ...(beams === 1 && { past_key_values: cache }) },
      );
    },
    reset: () => cache.reset(),
  };
}

/** The cache of a chat: `dynamic` unless another is asked for by name or by the checkpoint. */
export function chatCache(model: CausalLM, { space }: AnswerSettings, given: string | undefined): Cache {
  switch (given) {
    case undefined:
    case "dynamic":
      return new DynamicCache();
    case "quantized":
      return new QuantizedCache();
    default:
      return new StaticCache(model.config, { max_cache_len: space.context, max_batch_size: 1 });
  }
}

/** Encodes with the model's own chat template, or another. */
export const chatEncoder =
  (tokenizer: Tokenizer, template?: string): EncodeChat =>
  (messages) =>
    tokenizer.apply_chat_template(messages, {
      add_generation_prompt: true,
      return_dict: false,
      ...(template !== undefined && { chat_template: template }),
    });

/** How answers are made. */
export interface AnswerSettings {
  readonly options: GenerationOptions;
  readonly space: Space;
  /** New tokens at most, where the model has room for them. */
  readonly longest: number;
  readonly eos: readonly number[];
  /** How tokens are chosen, in words. */
  readonly sampling: string;
}

// Long enough for most answers, and a model that never ends stops while someone is still watching.
const LONGEST = 512;

/**
 * How a chat samples where neither its user nor the checkpoint says how. Small models go in circles when they always
 * say what is likeliest: of ten answers of the embedded model six then repeated a sentence three times, and none with
 * these values. Ten answers do not tell penalties of 1.0 to 1.2 apart.
 */
const SAMPLING = { do_sample: true, temperature: 0.7, top_p: 0.9, repetition_penalty: 1.1 } as const;

/** Options that say by themselves how tokens are chosen. */
const CHOOSING = ["do_sample", "num_beams"] as const;

/** `SAMPLING`, unless how to choose tokens is said already; single values that were given take its place. */
function withSampling(asked: GenerationOptions, defaults: CausalLM["generation_config"]): GenerationOptions {
  if (CHOOSING.some((name) => (asked[name] ?? defaults[name]) != null)) return asked;
  const own = Object.entries(SAMPLING).filter(([name]) => !Object.hasOwn(defaults, name));
  return { ...Object.fromEntries(own), ...asked };
}

/** Such as `temperature 0.7, top_p 0.9`, or that the likeliest token is taken. */
function describeSampling(options: Readonly<Record<string, unknown>>): string {
  const values = Object.entries(OPTIONS).flatMap(([name, { sampling }]) => {
    const value = options[name];
    const told = (sampling && options.do_sample) || name === "repetition_penalty";
    return told && value != null ? [`${name} ${JSON.stringify(value)}`] : [];
  });
  const manner = options.do_sample ? "sampled" : "the likeliest token";
  return [manner, ...values].join(", ");
}

/** Joins what was asked for with the checkpoint's defaults and with what answers need. */
export function answerSettings(
  given: GenerationOptions,
  model: Pick<CausalLM, "generation_config" | "runtime">,
  tokenizer: Pick<Tokenizer, "eos_token_id">,
): AnswerSettings {
  const defaults = model.generation_config;
  const {
    max_length,
    max_new_tokens,
    eos_token_id,
    cache_implementation: _,
    ...options
  } = withSampling(given, defaults);
  const positions = model.runtime.source.model.maxPositions;
  const context = Math.min(positions, max_length ?? positions);
  const longest =
    max_new_tokens ?? (max_length === undefined ? (defaults.max_new_tokens ?? LONGEST) : Infinity);
  const eos = eos_token_id === undefined ? endsOfTurns(model, tokenizer) : [eos_token_id ?? []].flat();
  return {
    options: { ...options, eos_token_id: eos },
    space: { context, reserve: Math.max(1, Math.min(longest, Math.floor(context / 4))) },
    longest,
    eos,
    sampling: describeSampling({ ...defaults, ...options }),
  };
}
