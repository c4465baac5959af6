/** Options of generate() against Hugging Face's own generations. */
import { type GenerationOptions, OPTIONS } from "@fusewire/generate";
import { describe, expect, test } from "vitest";
import { ENGINES, withModel } from "./support/engines.ts";
import { goldenPath } from "./support/goldens.ts";
import { readGolden } from "./support/read.ts";

interface Expected {
  readonly prompts: {
    readonly left_padded: { readonly input_ids: number[][]; readonly attention_mask: number[][] };
    readonly single: number[][];
  };
  readonly cases: {
    readonly case: string;
    readonly options: GenerationOptions;
    readonly prompt: "left_padded" | "single";
    readonly new_tokens: number[][];
  }[];
}

const { prompts, cases } = readGolden<Expected>(goldenPath("generation", "expected.json"));
const built = cases.filter(({ options }) => Object.keys(options).every((name) => name in OPTIONS));

test("only beams and stop strings are left out", () => {
  const left = cases.filter((one) => !built.includes(one));
  expect(left.filter(({ options }) => !("num_beams" in options || "stop_strings" in options))).toEqual([]);
  expect(built).toHaveLength(13);
});

describe.each(Object.keys(ENGINES))("on %s", (device) => {
  test.each(built)("$case", ({ options, prompt, new_tokens }) =>
    withModel(goldenPath("generation", "target"), device, async (model) => {
      const inputs = prompt === "single" ? { input_ids: prompts.single } : prompts.left_padded;
      // The reference ran with the end of sequence disabled unless a case sets one, and pads with 0.
      const { sequences } = await model.generate(inputs, { eos_token_id: [], ...options });
      expect(sequences).toEqual(inputs.input_ids.map((row, b) => [...row, ...new_tokens[b]!]));
    }),
  );
});
