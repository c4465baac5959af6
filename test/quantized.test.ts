/** Quantized weights on the embedded model generate; `quality.test.ts` has what they cost. */
import { createWasmEngine } from "@fusewire/backend-wasm";
import { type CausalLM, loadCausalLM, type WeightDType } from "@fusewire/generate";
import { embeddedModel, openModelDirectory } from "@fusewire/models/node";
import { expect, test } from "vitest";

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

test.each(["q8", "q4"] as const)("%s generates, the same each time", async (dtype) => {
  const generate = (model: CausalLM) =>
    model.generate({ input_ids: [[40, 50, 60]] }, { max_new_tokens: 20, eos_token_id: [] });
  const first = await withTales(dtype, generate);
  const again = await withTales(dtype, generate);
  expect(first.new_tokens[0]).toHaveLength(20);
  expect(again.new_tokens).toEqual(first.new_tokens);
});
