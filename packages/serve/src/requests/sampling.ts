import { type GenerationConfig, type GenerationOptions, rowSeed } from "@fusewire/generate";
import type { Read } from "../fields/field.ts";
import { boolean, ignored, integer, number, object, only, text, texts } from "../fields/kinds.ts";

const unbuilt = (what: string) => `${what} is not built`;

/** Fields by which all of OpenAI's routes say how tokens are chosen; those below `top_k` are vLLM's names. */
export const SAMPLING = {
  temperature: number(
    0,
    2,
  )("Above 0 tokens are drawn, the more evenly the larger it is; at 0 the best is taken."),
  top_p: number(0, 1)("Draws among the likeliest tokens that together have this probability."),
  n: integer(1, 16)("Answers to one prompt, each drawn apart."),
  stop: texts(4)("Texts before which an answer ends."),
  seed: integer(0, 2 ** 32 - 1)("The same request with the same seed has the same answer."),
  frequency_penalty: only([0], unbuilt("a penalty that counts tokens"))("Not built."),
  presence_penalty: only(
    [0],
    unbuilt("a penalty on tokens of the answer alone"),
  )("Not built; see repetition_penalty."),
  logit_bias: only([{}], unbuilt("a bias for each request"))("Not built."),
  top_k: integer(-1)("Draws among this many of the likeliest tokens; -1 or 0: among all."),
  min_p: number(0, 1)("Draws among tokens of at least this share of the likeliest one's probability."),
  repetition_penalty: number(0.01, 10)("Above 1 tokens of prompt and answer become less likely (CTRL)."),
  ignore_eos: boolean("Goes on behind end tokens, as load generators want it."),
  user: text("Who asks; texts of one user are served in turn with those of others."),
  stream: boolean("Sends the answer as it is made, as server-sent events."),
  stream_options: object("include_usage: a last event with the number of tokens."),
  metadata: ignored("Ignored."),
  store: only([false], "nothing is stored")("Nothing is stored."),
  service_tier: ignored("Ignored."),
  safety_identifier: ignored("Ignored."),
  prompt_cache_key: ignored("Ignored: equal beginnings are found by themselves."),
};

type Sampling = Pick<
  Read<typeof SAMPLING>,
  "temperature" | "top_p" | "top_k" | "min_p" | "repetition_penalty" | "seed" | "ignore_eos"
>;

/**
 * Options of generate() for answer `index` of a request. What a request leaves out is as the checkpoint's
 * generation_config says, and else as OpenAI's routes have it: drawn at temperature 1 among all tokens.
 */
export function samplingOptions(
  { temperature, top_p, top_k, min_p, repetition_penalty, seed, ignore_eos = false }: Sampling,
  defaults: GenerationConfig,
  {
    maxNewTokens,
    ends,
    index,
  }: { readonly maxNewTokens: number; readonly ends: readonly number[]; readonly index: number },
): GenerationOptions {
  const own: GenerationConfig = defaults.do_sample ? defaults : {};
  return {
    max_new_tokens: maxNewTokens,
    eos_token_id: ignore_eos ? [] : ends,
    ...(repetition_penalty !== undefined && { repetition_penalty }),
    ...(temperature === 0
      ? { do_sample: false }
      : {
          do_sample: true,
          temperature: temperature ?? own.temperature ?? 1,
          top_p: top_p ?? own.top_p ?? 1,
          top_k: Math.max(0, top_k ?? own.top_k ?? 0),
          ...(min_p !== undefined && { min_p }),
          ...(seed !== undefined && { seed: [rowSeed(seed, index)] }),
        }),
  };
}
