import { createWasmEngine } from "@fusewire/backend-wasm";
import { type CacheDTypeName, estimateMemory, loadCausalLM, readMemorySource } from "@fusewire/generate";
import { embeddedModel, openModelDirectory } from "@fusewire/models/node";
import { expect, test } from "vitest";

const DTYPES = ["float32", "bfloat16", "q8", "q4"] as const;
const CACHES: readonly CacheDTypeName[] = ["float32", "float16", "int8"];
const CASES = DTYPES.flatMap((dtype) => CACHES.map((cache) => [dtype, cache] as const));
/** A prompt that fills its cache but for the new tokens. */
const [PROMPT, NEW] = [254, 2];

test.each(CASES)("what weights in %s with a cache in %s take is predicted", async (dtype, cache_dtype) => {
  const files = await openModelDirectory(embeddedModel("tales"));
  const engine = await createWasmEngine({ threads: 1 });
  const model = await loadCausalLM(files, { engine, dtype, cache_dtype, owns_engine: true });
  try {
    const ids = Array.from({ length: PROMPT }, (_, i) => 10 + i);
    await model.generate({ input_ids: [ids] }, { max_new_tokens: NEW, eos_token_id: null });
    const source = await readMemorySource(files, { dtype, cache_dtype });
    const { total } = estimateMemory(source, { context: PROMPT + NEW, traits: engine });
    expect(Math.abs(total / engine.held().bytes - 1)).toBeLessThan(0.01);
  } finally {
    await model.dispose();
  }
});
