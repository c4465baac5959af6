import type { GenerationDefaults, Tokenizer } from "@fusewire/models";
import type { Cache } from "../cache/cache.ts";
import type { CacheImplementationName } from "../cache/implementation.ts";
import type { LogitsProcessor, PrefixAllowedTokens } from "../processors/host.ts";
import type { WatermarkingConfig } from "../processors/watermark.ts";
import type { Runtime } from "../runtime.ts";
import type { StoppingCriterion } from "../stopping/criteria.ts";
import type { Streamer } from "../streamer.ts";

/** What is needed of a model that drafts. */
export interface AssistantModel {
  readonly runtime: Runtime;
  readonly generation_config: Pick<
    GenerationDefaults,
    "num_assistant_tokens_schedule" | "assistant_confidence_threshold" | "assistant_confidence_adaptive"
  > & { num_assistant_tokens?: number };
}

/** Settings of generate() as data: a checkpoint's, which a program may change, or those that one call is given. */
export interface GenerationConfig
  extends Settings,
    Pick<
      GenerationOptions,
      "output_logits" | "output_logprobs" | "output_scores" | "prompt_lookup_method" | "seed" | "speculation"
    > {}

type Settings = { -readonly [K in keyof GenerationDefaults]: GenerationDefaults[K] };

/** Options of generate(), with Hugging Face's names and meaning (GenerationConfig). */
export interface GenerationOptions {
  /** New tokens at most; goes before max_length. 20 where neither is given. */
  max_new_tokens?: number;
  /** Length at most, prompt and its pads counted. */
  max_length?: number;
  /** Draw tokens instead of taking the likeliest. */
  do_sample?: boolean;
  /** Scores are divided by it: below 1 likely tokens become likelier, above 1 all become more alike. With do_sample. */
  temperature?: number;
  /** Keep the k likeliest tokens; 0 keeps all. 50 where sampling and not given. */
  top_k?: number;
  /** Keep the likeliest tokens that together have this probability; 1 keeps all. With do_sample. */
  top_p?: number;
  /** Keep tokens that have at least this share of the likeliest token's probability. With do_sample. */
  min_p?: number;
  /** Keep the likeliest tokens while they hold at most this share of the entropy. */
  top_h?: number;
  /** Keep the tokens of typical surprise that hold this mass. */
  typical_p?: number;
  /** Drop tokens whose probability is below this; 0 drops none. With do_sample. */
  epsilon_cutoff?: number;
  /** The same with a bound that falls where many tokens are possible (eta sampling); 0 drops none. With do_sample. */
  eta_cutoff?: number;
  /** Above 1 tokens of the text so far become less likely, below 1 likelier (CTRL). */
  repetition_penalty?: number;
  /**
   * Classifier-free guidance: how far scores are led away from those that the same tokens get behind another prompt; 1
   * for not at all.
   */
  guidance_scale?: number;
  /** The other prompts, one for each; the last token of each prompt where not given. */
  negative_prompt_ids?: readonly (readonly number[])[];
  /** 0 for the pads of negative_prompt_ids. */
  negative_prompt_attention_mask?: readonly (readonly number[])[];
  /** Above 1 the text keeps to tokens of the prompt, below 1 away from them. */
  encoder_repetition_penalty?: number;
  /** Sizes of n-grams that may not repeat; 0 for none. */
  no_repeat_ngram_size?: number;
  /** Sizes of n-grams of the prompt that may not occur behind it; 0 for none. */
  encoder_no_repeat_ngram_size?: number;
  /** Sequences of ids that may not appear. */
  bad_words_ids?: readonly (readonly number[])[];
  /** Sequences of ids and what is added to the score of their last token. */
  sequence_bias?: readonly (readonly [readonly number[], number])[];
  /** No end before this length, prompt and its pads counted. */
  min_length?: number;
  /** No end before so many new tokens. */
  min_new_tokens?: number;
  /** The token that stands behind a prompt of one token. */
  forced_bos_token_id?: number;
  /** The token, or one of those, with which a text ends that reaches its length. */
  forced_eos_token_id?: number | readonly number[];
  /** Ids that may not be chosen. */
  suppress_tokens?: readonly number[];
  /** Ids that may not be chosen as the first new token. */
  begin_suppress_tokens?: readonly number[];
  /** From how many new tokens on, and by what factor a step, end tokens gain. */
  exponential_decay_length_penalty?: readonly [number, number];
  /** Replace scores that are NaN or infinite before one is chosen. */
  remove_invalid_values?: boolean;
  /** Make scores logarithms of probabilities after all processing. */
  renormalize_logits?: boolean;
  /** A smaller model of the same tokenizer that drafts; how is in its own generation_config, as in Hugging Face. */
  assistant_model?: AssistantModel;
  /** Propose up to this many tokens that followed the row's end where it stood before, and verify them in one step. */
  prompt_lookup_num_tokens?: number;
  /** Longest end of the row that prompt lookup looks for. */
  max_matching_ngram_size?: number;
  /** `ngram` (Hugging Face's): the first place of the longest such end; `suffix`: of an end of any length, found by an index. */
  prompt_lookup_method?: "ngram" | "suffix";
  /** `auto` stops drafting once it measurably costs more time than it saves; `always` where not given. */
  speculation?: "always" | "auto";
  /** A cache that was filled before, or is to be: the generation goes on from what it holds. */
  past_key_values?: Cache;
  /** The name of `past_key_values` since transformers 5.24; give one of them. */
  cache?: Cache;
  /** How the model's own cache is made: `static`, `dynamic` or `quantized`; the others are older names of `static`. */
  cache_implementation?: CacheImplementationName | null;
  /** Tokens that a static cache has room for at least, so that longer texts after this one need no other. */
  max_cache_len?: number;
  /** One for all rows, from which each row's own is made, or one for each row. Random where not given. */
  seed?: number | readonly number[];
  /** Ids that end a row; an empty list for none. */
  eos_token_id?: number | readonly number[] | null;
  /** Fills rows that ended before others; the first end token where not given. */
  pad_token_id?: number | null;
  /** Texts of each prompt. They are drawn apart, as rows of their own, or are the best of the beams. */
  num_return_sequences?: number;
  /** More than 1: beam search, or with do_sample beam sampling. */
  num_beams?: number;
  /** Beams are weighed by their sum of logarithms over length to this power; 1 where not given. */
  length_penalty?: number;
  /** When beam search ends: with as many texts as beams (true), when no better one is likely (false) or possible ("never"). */
  early_stopping?: boolean | "never";
  /** Seconds. The pass of the model that is under way then is finished. */
  max_time?: number;
  /** Texts that end a row; what a last token holds behind them stays. Needs `tokenizer`. */
  stop_strings?: string | readonly string[];
  /** The model's tokenizer, for stop_strings. */
  tokenizer?: Tokenizer;
  /** Return the scores that tokens were chosen from. They then leave the device with every step. */
  output_scores?: boolean;
  /** Return the scores as the model gave them. */
  output_logits?: boolean;
  /** Return the logarithm of each chosen token's probability. */
  output_logprobs?: boolean;
  /** Processors in JavaScript: scores are read back, changed and handed in again with every step. */
  logits_processor?: readonly LogitsProcessor[];
  /** Functions that end rows, asked after every step. */
  stopping_criteria?: readonly StoppingCriterion[];
  /** Marks the text so that a detector that knows the key can tell it from others (WatermarkingConfig). */
  watermarking_config?: WatermarkingConfig;
  /** The ids that may follow, given the number of the prompt and the row so far. */
  prefix_allowed_tokens_fn?: PrefixAllowedTokens;
  /**
   * Settings as an object. They go before those of `model.generation_config`, and options of the call before both (Hugging
   * Face GenerationConfig).
   */
  generation_config?: GenerationConfig;
  /** Is told the tokens of one text as they are made: a TextStreamer, or anything with `put` and `end`. */
  streamer?: Streamer;
  /** Stops the generation between two steps. */
  signal?: AbortSignal;
}
