/** Options that meet: tokens are those of transformers 5.24 for the golden model llama. */
import type { GenerationConfig, GenerationOptions } from "@fusewire/generate";
import { AutoModelForCausalLM, type PretrainedModel } from "fusewire";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { goldenPath } from "./support/goldens.ts";

const IDS = [11, 22, 33, 44, 55, 66, 77, 88];
const PLAIN = [297, 47, 105, 347, 124, 91, 29, 74];

let model: PretrainedModel;
beforeAll(async () => {
  model = await AutoModelForCausalLM.from_pretrained(goldenPath("models", "llama"), { device: "wasm" });
});
afterAll(() => model.dispose());

const generate = async (options: GenerationOptions, ids = IDS) =>
  (await model.generate({ input_ids: [ids] }, { max_new_tokens: 8, eos_token_id: [], ...options }))
    .new_tokens[0];

describe("tokens are Hugging Face's", () => {
  test.each<[GenerationOptions, readonly number[]]>([
    [{}, PLAIN],
    [{ eos_token_id: 105, min_new_tokens: 5, min_length: 9 }, [297, 47, 368, 310, 68, 194, 61, 378]],
    [{ eos_token_id: 105, min_new_tokens: 1, min_length: 14 }, [297, 47, 105]],
    [{ eos_token_id: 105, min_length: 14 }, [297, 47, 368, 310, 68, 194, 61, 378]],
    [
      {
        sequence_bias: [
          [[297], -50],
          [[297], 0.5],
        ],
      },
      PLAIN,
    ],
    [
      {
        sequence_bias: [
          [[297], 0.5],
          [[297], -50],
        ],
      },
      [276, 350, 16, 57, 276, 350, 353, 347],
    ],
    [{ forced_bos_token_id: 5, begin_suppress_tokens: [297] }, [276, 350, 16, 57, 276, 350, 353, 347]],
    [{ temperature: 0.7, early_stopping: true, length_penalty: 2, max_matching_ngram_size: 3 }, PLAIN],
  ])("%j", async (options, tokens) => {
    expect(await generate(options)).toEqual(tokens);
  });

  test.each<[GenerationOptions, readonly number[]]>([
    [{ forced_bos_token_id: 5 }, [5, 313, 140, 107, 350, 233]],
    [{ forced_bos_token_id: 5, begin_suppress_tokens: [313, 5] }, [5, 29, 170, 327, 122, 240]],
    [{ begin_suppress_tokens: [313] }, [129, 378, 324, 364, 311, 364]],
  ])("%j behind a prompt of one token", async (options, tokens) => {
    expect(await generate({ max_new_tokens: 6, ...options }, [7])).toEqual(tokens);
  });

  test("a text goes on beyond the positions that the model was made for, with a notice", async () => {
    const ids = Array.from({ length: 124 }, (_, i) => (7 * i + 3) % 300);
    const { new_tokens, stats } = await model.generate(
      { input_ids: [ids] },
      { max_new_tokens: 12, eos_token_id: [] },
    );
    expect(new_tokens).toEqual([[40, 292, 246, 202, 192, 134, 305, 127, 26, 366, 185, 338]]);
    expect(stats.notices).toEqual([
      "a prompt of 124 tokens and 12 new ones are more than the 128 positions that the model was made for (max_position_embeddings), beyond which it may say anything",
    ]);
    const { logits } = await model.forward({ input_ids: [[...ids, ...new_tokens[0]!]] });
    const last = logits.data.slice(-model.config.vocab_size);
    expect(last.every((score) => Number.isFinite(score))).toBe(true);
  });

  test("of a config's max_new_tokens and the option max_length the former counts", async () => {
    const generation_config: GenerationConfig = { max_new_tokens: 3, eos_token_id: [] };
    const { new_tokens, stats } = await model.generate(
      { input_ids: [IDS] },
      { max_length: 14, generation_config },
    );
    expect(new_tokens).toEqual([PLAIN.slice(0, 3)]);
    expect(stats.notices).toEqual([
      expect.stringContaining("'max_length' has no effect while max_new_tokens"),
    ]);
  });

  test("more rows than any bucket have each row's own tokens", async () => {
    const other = [7, 5, 3];
    const input_ids = Array.from({ length: 40 }, (_, b) => (b % 2 === 0 ? other : IDS.slice(0, 3)));
    const options = { max_new_tokens: 4, eos_token_id: [] };
    const { new_tokens } = await model.generate({ input_ids }, options);
    const alone = await Promise.all([other, IDS.slice(0, 3)].map((ids) => generate(options, ids)));
    expect(new_tokens).toEqual(input_ids.map((_, b) => alone[b % 2]));
  });
});

test.each<[GenerationOptions, string]>([
  [{ bad_words_ids: [[3], [384]] }, "bad_words_ids holds 384, which is outside the vocabulary 0 to 383"],
  [{ sequence_bias: [[[1, 400], 2]] }, "sequence_bias holds 400"],
  [{ suppress_tokens: [400] }, "suppress_tokens holds 400"],
  [{ begin_suppress_tokens: [400] }, "begin_suppress_tokens holds 400"],
  [{ forced_bos_token_id: 400 }, "forced_bos_token_id holds 400"],
  [{ forced_eos_token_id: [2, 400] }, "forced_eos_token_id holds 400"],
])("ids that no token has are refused: %j", async (options, message) => {
  await expect(generate(options)).rejects.toThrow(message);
});
