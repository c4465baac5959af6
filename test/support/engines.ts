import { createEagerEngine } from "@fusewire/backend-tfjs";
import { createWasmEngine } from "@fusewire/backend-wasm";
import { type CausalLM, type LoadOptions, loadCausalLM } from "@fusewire/generate";
import { openModelDirectory } from "@fusewire/models/node";
import { createReferenceEngine, type Engine } from "@fusewire/passes";

/** Every engine that must agree with Hugging Face. */
export const ENGINES: Readonly<Record<string, () => Promise<Engine>>> = {
  interpreter: async () => createReferenceEngine(),
  "eager:cpu": () => createEagerEngine("cpu"),
  "eager:wasm": () => createEagerEngine("wasm"),
  wasm: () => createWasmEngine(),
};

/** Loads a model for the time of `body`. */
export async function withModel<T>(
  directory: string,
  device: string,
  body: (model: CausalLM, engine: Engine) => Promise<T>,
  options: Omit<LoadOptions, "engine"> = {},
): Promise<T> {
  const engine = await ENGINES[device]!();
  const model = await loadCausalLM(await openModelDirectory(directory), { engine, ...options });
  try {
    return await body(model, engine);
  } finally {
    await model.dispose();
    engine.dispose();
  }
}
