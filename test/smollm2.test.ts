/**
 * A real checkpoint of 135M parameters on the portable engine: `pnpm test:smollm2`, outside `test`. $FUSEWIRE_SMOLLM2
 * names its Hugging Face directory, as the reference data's models/smollm2/make.py writes it.
 */
import { existsSync } from "node:fs";
import { AutoModelForCausalLM, AutoTokenizer, streamText } from "fusewire";
import { expect, test } from "vitest";
import { sharedPath } from "./support/shared.ts";

const directory = process.env.FUSEWIRE_SMOLLM2 ?? sharedPath("models", "smollm2", "hf");

test("SmolLM2-135M-Instruct knows the capital of France", async () => {
  if (!directory || !existsSync(directory))
    throw new Error("set FUSEWIRE_SMOLLM2 to the directory `hf` that models/smollm2/make.py writes");
  const tokenizer = await AutoTokenizer.from_pretrained(directory);
  const model = await AutoModelForCausalLM.from_pretrained(directory, { device: "eager:wasm" });
  try {
    let text = "";
    for await (const piece of streamText(model, tokenizer, "The capital of France is", {
      max_new_tokens: 12,
    }))
      text += piece;
    expect(text).toMatch(/^ Paris\./);
  } finally {
    await model.dispose();
  }
});
