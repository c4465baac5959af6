/**
 * A real checkpoint of 135M parameters: `pnpm test:smollm2`, outside `test`. $FUSEWIRE_SMOLLM2 names its Hugging Face
 * directory, as the reference data's models/smollm2/make.py writes it.
 */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { AutoModelForCausalLM, AutoTokenizer, streamText } from "fusewire";
import { expect, test } from "vitest";
import { sharedPath } from "./support/shared.ts";

function checkpoint(): string {
  const directory = process.env.FUSEWIRE_SMOLLM2 ?? sharedPath("models", "smollm2", "hf");
  if (directory && existsSync(directory)) return directory;
  throw new Error("set FUSEWIRE_SMOLLM2 to the directory `hf` that models/smollm2/make.py writes");
}

test.each(["wasm", "eager:wasm"] as const)(
  "SmolLM2-135M-Instruct knows the capital of France on %s",
  async (device) => {
    const tokenizer = await AutoTokenizer.from_pretrained(checkpoint());
    const model = await AutoModelForCausalLM.from_pretrained(checkpoint(), { device });
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
  },
);

test.each(["wasm", "eager:wasm"])(
  "loading on %s takes 1.3 times what is held, and one tensor, at most",
  (device) => {
    const script = fileURLToPath(new URL("support/load_memory.ts", import.meta.url));
    const { stdout } = spawnSync(process.execPath, ["--import", "tsx", script, checkpoint(), device], {
      encoding: "utf8",
    });
    const { loading, held } = JSON.parse(stdout) as { loading: number; held: number };
    const largest = 49152 * 576 * 4;
    expect(loading).toBeLessThan(1.3 * (held + largest));
  },
);
