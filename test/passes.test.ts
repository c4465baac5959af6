/** Passes change speed, never tokens. */
import { OPTIONAL_PASSES } from "@fusewire/passes";
import { describe, expect, test } from "vitest";
import { withModel } from "./support/engines.ts";
import { goldenPath } from "./support/goldens.ts";
import { inputsOf, readGolden } from "./support/read.ts";

interface Expected {
  readonly left_padded: { readonly input_ids: number[][]; readonly attention_mask: number[][] };
  readonly greedy: { readonly max_new_tokens: number; readonly new_tokens: number[][] };
}

describe.each(["llama", "llama-bias"])("%s", (name) => {
  const directory = goldenPath("models", name);
  const expected = readGolden<Expected>(`${directory}/expected.json`);
  test.each(OPTIONAL_PASSES)("without %s", async (pass) => {
    const { max_new_tokens, new_tokens } = expected.greedy;
    const result = await withModel(
      directory,
      "interpreter",
      (model) => model.generate(inputsOf(expected.left_padded), { max_new_tokens, eos_token_id: [] }),
      { disable_passes: [pass] },
    );
    expect(result.new_tokens).toEqual(new_tokens);
  });
});
