import { describe, expect, test } from "vitest";
import { StaticCache } from "../cache/index.ts";
import { checkFullgraph } from "./conflicts.ts";
import { type GenerationOptions, resolveOptions } from "./index.ts";

const resolve = (options: object, defaults: object = {}) =>
  resolveOptions(options as GenerationOptions, defaults);

describe("what is refused, by name", () => {
  test.each([
    [{ temprature: 1 }, "'temprature': not an option of generate(); did you mean 'temperature'?"],
    [{ do_sample: true, temperature: -1 }, "'temperature' must be a number above 0, not -1"],
    [{ do_sample: true, temperature: 0 }, "'temperature' must be a number above 0, not 0"],
    [{ do_sample: true, top_p: 1.5 }, "'top_p' must be between 0 and 1, not 1.5"],
    [{ do_sample: true, top_k: -3 }, "'top_k' must be an integer of 0 or more, not -3"],
    [{ do_sample: true, min_p: "x" }, `'min_p' must be between 0 and 1, not "x"`],
    [{ max_new_tokens: 0 }, "'max_new_tokens' must be an integer of 1 or more, not 0"],
    [{ max_new_tokens: 2.5 }, "'max_new_tokens' must be an integer of 1 or more, not 2.5"],
    [{ repetition_penalty: 0 }, "'repetition_penalty' must be a number above 0, not 0"],
    [{ eos_token_id: [1, -2] }, "'eos_token_id' must be a token id or a list of them, not [1,-2]"],
    [{ do_sample: true, seed: 2 ** 32 }, "'seed' must be an integer from 0 to 2^32 - 1"],
    [{ bad_words_ids: [[]] }, "'bad_words_ids' must be a list of lists of token ids, not [[]]"],
    [{ sequence_bias: [[1, 2]] }, "'sequence_bias' must be a list of [token ids, bias], not [[1,2]]"],
    [
      { exponential_decay_length_penalty: [1] },
      "'exponential_decay_length_penalty' must be [new tokens, factor]",
    ],
    [
      { forced_eos_token_id: 5, suppress_tokens: [5, 6] },
      "every forced_eos_token_id is also in suppress_tokens",
    ],
    [{ num_beams: 0 }, "'num_beams' must be an integer of 1 or more, not 0"],
    [{ stop_strings: "" }, `'stop_strings' must be a text or a list of them, not ""`],
    [{ max_time: 0 }, "'max_time' must be seconds, above 0, not 0"],
    [{ logits_processor: [1] }, "'logits_processor' must be a list of functions, not [1]"],
    [{ penalty_alpha: 0.6 }, "'penalty_alpha': contrastive search is not built"],
    [{ num_beam_groups: 2 }, "'num_beam_groups': group beam search is not built"],
    [
      { watermarking_config: { greenlist_ratio: 2 } },
      "'watermarking_config' must be an object with greenlist_ratio between 0 and 1",
    ],
    [{ watermarking_config: { seeding_scheme: "selfhash" } }, "seeding_scheme 'selfhash' is not built"],
    [
      { output_hidden_states: true },
      "'output_hidden_states': `forward` returns hidden states, not `generate`",
    ],
    [{ guidance_scale: "2" }, "'guidance_scale' must be a number"],
    [{ toString: 1 }, "'toString': not an option"],
  ])("%j", (options, message) => {
    expect(() => resolve(options)).toThrow(message);
  });

  test("a checkpoint's own settings that would change the result", () => {
    expect(() => resolve({}, { output_hidden_states: true })).toThrow(
      "model.generation_config: 'output_hidden_states' is true: `forward` returns hidden states, not `generate`; delete it to go without",
    );
  });
});

describe("what has no effect is taken, as Hugging Face takes it, and told of", () => {
  test.each([
    [
      { temperature: 0.7 },
      "'temperature' has no effect while do_sample is false; set do_sample: true or leave",
    ],
    [{ num_beams: 2, top_p: 0.5 }, "'top_p' has no effect while do_sample is false"],
    [{ length_penalty: 2 }, "'length_penalty' has no effect while num_beams is 1"],
    [{ early_stopping: true, num_beams: 1 }, "'early_stopping' has no effect while num_beams is 1"],
    [{ negative_prompt_ids: [[1]] }, "'negative_prompt_ids' has no effect while guidance_scale is 1"],
    [{ max_matching_ngram_size: 3 }, "'max_matching_ngram_size' has no effect while nothing is looked up"],
    [
      { max_new_tokens: 3, max_length: 9 },
      "'max_length' has no effect while max_new_tokens is set; set that or",
    ],
    [{ min_new_tokens: 3, min_length: 9 }, "'min_length' has no effect while min_new_tokens is set"],
  ])("%j", (options, notice) => {
    expect(resolve(options).notices).toEqual([expect.stringContaining(notice)]);
  });

  test("not so what a checkpoint says, nor null", () => {
    expect(resolve({}, { temperature: 0.7, length_penalty: 2 }).notices).toEqual([]);
    expect(resolve({ temperature: null, early_stopping: null }).notices).toEqual([]);
  });

  test("null says that there is none, whatever the checkpoint says", () => {
    const found = resolve(
      { do_sample: true, top_k: null, temperature: null },
      { temperature: 0.7, top_k: 9 },
    );
    expect(found.values).not.toHaveProperty("top_k");
    expect(found.values).not.toHaveProperty("temperature");
    expect(resolve({ max_new_tokens: null }, { max_new_tokens: 7 }).maxNewTokens(10, 100)).toBe(7);
  });

  test("min_length is what min_new_tokens says", () => {
    expect(resolve({ min_new_tokens: 1, min_length: 30 }).values).not.toHaveProperty("min_length");
    expect(resolve({ min_length: 30 }).values).toMatchObject({ min_length: 30 });
  });
});

describe("settings of generation configs, checked when they are used", () => {
  test.each([
    [{ top_p: 5 }, { do_sample: true }, "'top_p' must be between 0 and 1, not 5"],
    [{ num_beams: "4" }, {}, `'num_beams' must be an integer of 1 or more, not "4"`],
    [{ max_new_token: 4 }, {}, "'max_new_token' is not a setting; did you mean 'max_new_tokens'?"],
    [{ num_assistant_tokens: -1 }, {}, "'num_assistant_tokens' must be an integer >= 0, not -1"],
    [
      { cache_implementation: "offloaded" },
      {},
      "'cache_implementation' must be static, dynamic or quantized",
    ],
    [
      { num_beam_groups: 2 },
      {},
      "'num_beam_groups' is 2: group beam search is not built; delete it to go without",
    ],
    [{ top_k: -1 }, { do_sample: true }, "'top_k' must be an integer of 0 or more, not -1"],
    [{ streamer: { put() {}, end() {} } }, {}, "'streamer' is an argument of generate() itself"],
  ])("%j is refused with %j", (config, options, message) => {
    expect(() => resolve(options, config)).toThrow(`model.generation_config: ${message}`);
    expect(() => resolve({ ...options, generation_config: config })).toThrow(`generation_config: ${message}`);
  });

  test("but what is not used is not looked at", () => {
    expect(() => resolve({}, { top_k: -1, temperature: 0, max_length: null })).not.toThrow();
    // What was given closer to the call hides what stands further off.
    expect(() => resolve({ do_sample: true, top_k: 3 }, { top_k: -1 })).not.toThrow();
    expect(() =>
      resolve({ generation_config: { top_k: 3, do_sample: true } }, { top_k: -1, num_beam_groups: 1 }),
    ).not.toThrow();
  });

  test("those of an assistant are checked as well", () => {
    const assistant_model = { runtime: {}, generation_config: { num_assistant_tokens: "many" } };
    expect(() => resolve({ assistant_model })).toThrow(
      "assistant_model.generation_config: 'num_assistant_tokens' must be an integer >= 0",
    );
  });

  test("generation_config goes before the model's, and options before both", () => {
    const model = { temperature: 0.5, top_k: 7, do_sample: true, eos_token_id: 3, max_new_tokens: 9 };
    const generation_config = { temperature: 0.6, top_k: null, max_length: 14, seed: 4 };
    const found = resolve({ generation_config, temperature: 0.7 }, model);
    expect(found.values).toMatchObject({ temperature: 0.7, top_k: 7 });
    expect(resolve({ generation_config }, model).values.temperature).toBe(0.6);
    expect(found.sample).toBe(true);
    expect(found.eos).toEqual([3]);
    expect(found.seed).toBe(4);
    expect(found.maxNewTokens(10, 100)).toBe(9);
    expect(resolve({ generation_config }, { max_length: 30 }).maxNewTokens(10, 100)).toBe(4);
    expect(resolve({ generation_config, max_new_tokens: 2 }, model).maxNewTokens(10, 100)).toBe(2);
    expect(() => resolve({ generation_config: [] })).toThrow(
      "'generation_config' must be an object of settings",
    );
  });
});

describe("options that exclude each other, both by name", () => {
  const assistant_model = { runtime: {}, generation_config: {} };
  const fn = () => true;
  const streamer = { put: fn, end: fn };
  test.each([
    [{ num_return_sequences: 2 }, "num_return_sequences 2 with do_sample false and num_beams 1"],
    [{ num_beams: 2, num_return_sequences: 3 }, "num_return_sequences 3 is more than num_beams 2"],
    [{ num_beams: 2, assistant_model }, "num_beams 2 and assistant_model exclude each other"],
    [
      { num_beams: 2, prompt_lookup_num_tokens: 3 },
      "num_beams 2 and prompt_lookup_num_tokens exclude each other",
    ],
    [
      { assistant_model, prompt_lookup_num_tokens: 3 },
      "assistant_model and prompt_lookup_num_tokens both draft",
    ],
    [{ num_beams: 2, stopping_criteria: [fn] }, "num_beams and stopping_criteria exclude each other"],
    [
      { output_scores: true, prompt_lookup_num_tokens: 3 },
      "output_scores and prompt_lookup_num_tokens exclude each other",
    ],
    [{ logits_processor: [fn], assistant_model }, "logits_processor and assistant_model exclude each other"],
    [
      { prefix_allowed_tokens_fn: fn, assistant_model },
      "prefix_allowed_tokens_fn and assistant_model exclude",
    ],
    [{ num_beams: 2, streamer }, "streamer and num_beams 2 exclude each other"],
    [
      { do_sample: true, num_return_sequences: 2, streamer },
      "streamer takes one text, and num_return_sequences is 2",
    ],
    [{ stop_strings: ["x"] }, "stop_strings needs the option tokenizer"],
    [
      { do_sample: true, num_return_sequences: 2, past_key_values: new StaticCache({ max_cache_len: 8 }) },
      "num_return_sequences 2 and past_key_values exclude each other",
    ],
    [
      { num_beams: 2, past_key_values: new StaticCache({ max_cache_len: 8 }) },
      "num_beams 2 keeps its texts in a cache of its own; leave past_key_values out",
    ],
    [
      { use_cache: false, past_key_values: new StaticCache({ max_cache_len: 8 }) },
      "past_key_values is a cache, and use_cache is false",
    ],
    [
      { cache_implementation: "static", past_key_values: new StaticCache({ max_cache_len: 8 }) },
      "past_key_values is a cache, and cache_implementation 'static' asks for another",
    ],
    [
      { guidance_scale: 1.5, num_beams: 2 },
      "guidance_scale 1.5 and num_beams exclude each other: each text is decoded beside another",
    ],
    [
      { guidance_scale: 2, logits_processor: [fn] },
      "guidance_scale 2 and logits_processor exclude each other",
    ],
    [
      { guidance_scale: 2, negative_prompt_attention_mask: [[1]] },
      "negative_prompt_attention_mask is of negative_prompt_ids; give both",
    ],
    [
      { max_cache_len: 64, cache_implementation: "dynamic" },
      "'max_cache_len' has no effect while the cache is not static; set cache_implementation",
    ],
    [
      {
        cache: new StaticCache({ max_cache_len: 8 }),
        past_key_values: new StaticCache({ max_cache_len: 8 }),
      },
      "cache and past_key_values are two names of one option; give one of them",
    ],
    [
      { num_beams: 2, cache: new StaticCache({ max_cache_len: 8 }) },
      "num_beams 2 keeps its texts in a cache of its own",
    ],
    [{ cache: {} }, "'cache' must be a cache such as new StaticCache({…})"],
    [{ speculation: "auto" }, "'speculation' has no effect while nothing drafts; set assistant_model or"],
    [
      { prompt_lookup_method: "suffix" },
      "'prompt_lookup_method' has no effect while nothing is looked up; set prompt_lookup_num_tokens",
    ],
  ])("%j", (options, message) => {
    expect(() => resolve(options)).toThrow(message);
  });

  test("fullgraph and what runs in JavaScript", () => {
    const settings = { stepsPerSubmit: 1, fullgraph: true, autotune: false };
    for (const name of ["logits_processor", "stopping_criteria"])
      expect(() => checkFullgraph({ [name]: [fn] }, settings)).toThrow(
        `compile: fullgraph is true, and '${name}' runs in JavaScript`,
      );
    expect(() => checkFullgraph({ logits_processor: [] }, settings)).not.toThrow();
  });

  test("but a checkpoint may say of beams what it likes while there is one", () => {
    expect(() =>
      resolve({}, { length_penalty: 1.2, early_stopping: true, num_return_sequences: 1 }),
    ).not.toThrow();
  });
});

describe("what is filled in", () => {
  test("Hugging Face's defaults: 20 tokens, top_k 50, greedy", () => {
    const options = resolve({});
    expect(options.maxNewTokens(10, 100)).toBe(20);
    expect(options.maxNewTokens(95, 100)).toBe(5);
    expect(options.sample).toBe(false);
    expect(options.values).toEqual({ top_k: 50 });
  });

  test("max_new_tokens goes before max_length, then the caller's options before the checkpoint's", () => {
    expect(resolve({ max_length: 15 }, { max_new_tokens: 8 }).maxNewTokens(10, 100)).toBe(8);
    expect(resolve({ max_length: 15 }, { max_length: 20 }).maxNewTokens(10, 100)).toBe(5);
    expect(resolve({ max_length: 15, max_new_tokens: 3 }).maxNewTokens(10, 100)).toBe(3);
    expect(resolve({}, { max_length: 12 }).maxNewTokens(10, 100)).toBe(2);
    expect(() => resolve({ max_length: 10 }).maxNewTokens(10, 100)).toThrow(
      "max_length 10 leaves no room after a prompt of 10 tokens",
    );
    expect(resolve({ do_sample: true }, { temperature: 0.6 }).values.temperature).toBe(0.6);
    expect(resolve({}, { guidance_scale: 2 }).guidance).toEqual({ scale: 2, negatives: undefined });
    expect(resolve({}, { guidance_scale: null } as object).guidance).toBeUndefined();
  });

  test("end tokens, one, several or none; pads are the first of them", () => {
    expect(resolve({}, { eos_token_id: [3, 0] })).toMatchObject({ eos: [3, 0], pad: 3 });
    expect(resolve({ eos_token_id: [] }, { eos_token_id: 3, pad_token_id: 1 })).toMatchObject({
      eos: [],
      pad: 1,
    });
    expect(resolve({ eos_token_id: null }, { eos_token_id: 3 }).eos).toEqual([]);
  });

  test("Hugging Face arguments that change nothing here", () => {
    expect(() => resolve({ use_cache: true, num_beams: 1, return_dict_in_generate: true })).not.toThrow();
    expect(() => resolve({}, { cache_implementation: "hybrid", bos_token_id: 1 })).not.toThrow();
  });
});
