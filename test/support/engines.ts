import { createEagerEngine, createWebGpuEngine, type OpenDevice, openDevice } from "@fusewire/backend-tfjs";
import { createWasmEngine } from "@fusewire/backend-wasm";
import { type CausalLM, type LoadOptions, loadCausalLM } from "@fusewire/generate";
import { openModelDirectory } from "@fusewire/models/node";
import { createReferenceEngine, type Engine } from "@fusewire/passes";

let device: Promise<OpenDevice> | undefined;
/** One device a process, since opening it and building its pipelines is what takes time. */
const sharedDevice = (): Promise<OpenDevice> => {
  device ??= openDevice();
  return device;
};

/** Every engine that must agree with Hugging Face. */
export const ENGINES: Readonly<Record<string, () => Promise<Engine>>> = {
  interpreter: async () => createReferenceEngine(),
  "eager:cpu": () => createEagerEngine("cpu"),
  "eager:wasm": () => createEagerEngine("wasm"),
  wasm: () => createWasmEngine(),
  webgpu: async () => createWebGpuEngine({ device: await sharedDevice() }),
};

/** Engines cut as for other adapters than the one that tests run on. */
const CUT: typeof ENGINES = {
  "webgpu by workgroups": async () =>
    createWebGpuEngine({ device: await sharedDevice(), variant: { lanes: 32 } }),
};

/** Those that need no GPU. */
export const PORTABLE = Object.keys(ENGINES).filter((name) => name !== "webgpu");

/** Loads a model for the time of `body`. */
export async function withModel<T>(
  directory: string,
  device: string,
  body: (model: CausalLM, engine: Engine) => Promise<T>,
  options: Omit<LoadOptions, "engine"> = {},
): Promise<T> {
  const engine = await { ...ENGINES, ...CUT }[device]!();
  const model = await loadCausalLM(await openModelDirectory(directory), { engine, ...options });
  try {
    return await body(model, engine);
  } finally {
    await model.dispose();
    engine.dispose();
  }
}
