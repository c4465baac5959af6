import type { WasmPaths } from "@fusewire/backend-tfjs";
import { FusewireError } from "@fusewire/ir";
import { createReferenceEngine, type Engine } from "@fusewire/passes";

/** What `auto` means today: the fastest engine that runs everywhere. */
const AUTO = "wasm";

/** Names of devices, for messages and help. */
export const DEVICES = [
  "auto",
  "wasm",
  "webgpu",
  "eager:wasm",
  "eager:cpu",
  "eager:<tfjs backend>",
  "interpreter",
] as const;

export interface EngineOptions {
  /** Where a page finds the binaries of `eager:wasm`. */
  readonly wasmPaths?: WasmPaths | undefined;
}

/** The engine for a device name; an unknown one is an error that lists what there is. */
export async function createEngine(device: string, options: EngineOptions = {}): Promise<Engine> {
  if (device === "auto") return createEngine(AUTO, options);
  if (device === "interpreter") return createReferenceEngine();
  if (device === "wasm") {
    const { createWasmEngine } = await import("@fusewire/backend-wasm");
    return createWasmEngine();
  }
  if (device === "webgpu") {
    const { createWebGpuEngine } = await import("@fusewire/backend-tfjs");
    return createWebGpuEngine();
  }
  const backend = /^eager:(.+)$/.exec(device)?.[1];
  if (backend === undefined)
    throw new FusewireError(`unknown device '${device}'; choose one of ${DEVICES.join(", ")}`);
  // Loaded when asked for: tfjs is large, and not every engine needs it.
  const { createEagerEngine } = await import("@fusewire/backend-tfjs");
  const { wasmPaths } = options;
  return createEagerEngine(backend, { ...(wasmPaths !== undefined && { wasmPaths }) });
}
