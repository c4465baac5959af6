/** Quantized weights on the embedded model: what they cost over held-out stories, and that they generate. */
import { readFileSync } from "node:fs";
import { createWasmEngine } from "@fusewire/backend-wasm";
import { type CausalLM, loadCausalLM, type WeightDType } from "@fusewire/generate";
import { floats } from "@fusewire/ir";
import { loadTokenizer } from "@fusewire/models";
import { embeddedModel, openModelDirectory } from "@fusewire/models/node";
import { expect, test } from "vitest";
import { describeShared } from "./support/shared.ts";

const WINDOW = 256;
const WINDOWS = 16;

async function withTales<T>(dtype: WeightDType, body: (model: CausalLM) => Promise<T>): Promise<T> {
  const engine = await createWasmEngine();
  const model = await loadCausalLM(await openModelDirectory(embeddedModel("tales")), { engine, dtype });
  try {
    return await body(model);
  } finally {
    await model.dispose();
    engine.dispose();
  }
}

/** Nats a token that the model needs for `ids`, over windows that each begin anew. */
async function loss(model: CausalLM, ids: readonly number[]): Promise<number> {
  let sum = 0;
  for (let w = 0; w < WINDOWS; w++) {
    const row = ids.slice(w * WINDOW, (w + 1) * WINDOW);
    const { logits } = await model.forward({ input_ids: [row] });
    const vocabulary = logits.type.shape[2]!;
    for (const [t, target] of row.slice(1).entries()) {
      const scores = floats(logits).subarray(t * vocabulary, (t + 1) * vocabulary);
      const largest = scores.reduce((a, b) => Math.max(a, b));
      const total = scores.reduce((a, score) => a + Math.exp(score - largest), 0);
      sum += largest + Math.log(total) - scores[target]!;
    }
  }
  return sum / (WINDOWS * (WINDOW - 1));
}

describeShared("on held-out stories", ["data/tinystories/tinystories_val.txt"], (path) => {
  test("8 bits cost at most 0.003 nats a token, 4 bits 0.04", async () => {
    const tokenizer = await loadTokenizer(await openModelDirectory(embeddedModel("tales")));
    const ids = tokenizer.encode(readFileSync(path, "utf8").slice(0, 60_000));
    const plain = await withTales("auto", (model) => loss(model, ids));
    expect((await withTales("q8", (model) => loss(model, ids))) - plain).toBeLessThan(0.003);
    expect((await withTales("q4", (model) => loss(model, ids))) - plain).toBeLessThan(0.04);
  });
});

test.each(["q8", "q4"] as const)("%s generates, the same each time", async (dtype) => {
  const generate = (model: CausalLM) =>
    model.generate({ input_ids: [[40, 50, 60]] }, { max_new_tokens: 20, eos_token_id: [] });
  const first = await withTales(dtype, generate);
  const again = await withTales(dtype, generate);
  expect(first.new_tokens[0]).toHaveLength(20);
  expect(again.new_tokens).toEqual(first.new_tokens);
});
