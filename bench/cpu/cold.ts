// A process that loads a model and makes one token: `tsx cold.ts <model folder> <dtype> <threads>`. Prints the time since
// it began, the compiling of TypeScript included, and its memory.

import { createWasmEngine } from "@fusewire/backend-wasm";
import { loadCausalLM, type WeightDType } from "@fusewire/generate";
import { openModelDirectory } from "@fusewire/models/node";
import { PROMPT, prompt } from "./contestant.ts";

/** What it prints, as JSON. */
export interface Cold {
  readonly firstToken: number;
  readonly bytes: number;
}

const [directory = "", dtype = "auto", threads = "1"] = process.argv.slice(2);
const engine = await createWasmEngine({ threads: Number(threads) });
const model = await loadCausalLM(await openModelDirectory(directory), {
  engine,
  dtype: dtype as WeightDType,
});
await model.generate({ input_ids: [prompt(PROMPT)] }, { max_new_tokens: 1, eos_token_id: [] });
const cold: Cold = { firstToken: performance.now(), bytes: process.memoryUsage.rss() };
console.log(JSON.stringify(cold));
await model.dispose();
engine.dispose();
