/** Classifier-free guidance. The tokens are what transformers 5.23 generates from the same model. */
import { describe, expect, test } from "vitest";
import { ENGINES, withModel } from "./support/engines.ts";
import { goldenPath } from "./support/goldens.ts";

const TARGET = goldenPath("generation", "target");
const input_ids = [
  [302, 294, 304, 81],
  [7, 8, 9, 10],
];
const negative_prompt_ids = [
  [262, 255, 94],
  [5, 120, 9],
];
const options = { max_new_tokens: 16, eos_token_id: [] };

const CASES = [
  {
    name: "from the last token of the prompt",
    given: { guidance_scale: 1.5 },
    tokens: [
      [290, 252, 240, 65, 373, 273, 87, 165, 143, 204, 141, 95, 143, 31, 227, 157],
      [49, 359, 81, 76, 209, 288, 380, 76, 103, 362, 253, 326, 182, 379, 61, 369],
    ],
  },
  {
    name: "from a prompt of its own",
    given: { guidance_scale: 1.5, negative_prompt_ids },
    tokens: [
      [290, 252, 240, 252, 252, 168, 217, 383, 97, 171, 18, 182, 192, 180, 192, 227],
      [93, 183, 222, 183, 222, 183, 322, 373, 347, 359, 38, 113, 109, 219, 318, 5],
    ],
  },
  {
    name: "from prompts of different lengths",
    given: {
      guidance_scale: 1.5,
      negative_prompt_ids: [
        [0, 262, 255, 94],
        [5, 120, 9, 11],
      ],
      negative_prompt_attention_mask: [
        [0, 1, 1, 1],
        [1, 1, 1, 1],
      ],
    },
    tokens: [
      [290, 252, 240, 252, 252, 168, 217, 383, 97, 171, 18, 182, 192, 180, 192, 227],
      [202, 74, 95, 141, 111, 242, 355, 124, 26, 311, 196, 362, 274, 26, 206, 380],
    ],
  },
  {
    name: "the other text alone",
    given: { guidance_scale: 0, negative_prompt_ids },
    tokens: [
      [124, 38, 228, 38, 89, 278, 274, 74, 95, 74, 4, 83, 38, 124, 379, 181],
      [128, 227, 227, 227, 175, 77, 175, 175, 175, 175, 77, 209, 209, 209, 93, 65],
    ],
  },
];

describe.each(Object.keys(ENGINES))("on %s", (device) => {
  test("tokens are Hugging Face's, whatever a text is guided from, and no scale compiles anything", () =>
    withModel(TARGET, device, async (model) => {
      for (const { name, given, tokens } of CASES) {
        const { new_tokens } = await model.generate({ input_ids }, { ...options, ...given });
        expect(new_tokens, name).toEqual(tokens);
      }
      const other = await model.generate({ input_ids }, { ...options, guidance_scale: 3 });
      expect(other.stats.compilations).toEqual([]);
      expect(other.new_tokens[0]?.slice(0, 9)).toEqual([290, 252, 240, 65, 373, 273, 87, 256, 224]);
    }));
});

test("a text that ends, and one that is generated alone, are what they are in a batch", () =>
  withModel(TARGET, "wasm", async (model) => {
    const [one, two] = CASES[1]!.tokens as [number[], number[]];
    const ending = { ...options, eos_token_id: [one[2]!] };
    const both = await model.generate({ input_ids }, { ...ending, ...CASES[1]!.given });
    expect(both.new_tokens).toEqual([one.slice(0, 3), two]);
    const alone = await model.generate(
      { input_ids: [input_ids[1]!] },
      { ...options, guidance_scale: 1.5, negative_prompt_ids: [negative_prompt_ids[1]!] },
    );
    expect(alone.new_tokens).toEqual([two]);
    // A step is a submit, as without guidance.
    expect(alone.stats.submits).toBe(options.max_new_tokens + 4);
  }));

test("as many other prompts as prompts", () =>
  withModel(TARGET, "wasm", async (model) => {
    const generate = (given: object) =>
      model.generate({ input_ids }, { ...options, guidance_scale: 2, ...given });
    await expect(generate({ negative_prompt_ids: [[1]] })).rejects.toThrow(
      "negative_prompt_ids has 1 rows and input_ids 2; give one for each prompt",
    );
    await expect(generate({ negative_prompt_ids: [[1], [9999]] })).rejects.toThrow(
      "row 1 of negative_prompt_ids holds 9999, which is outside the vocabulary",
    );
  }));
