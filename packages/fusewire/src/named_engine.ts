import type { WasmPaths, WebGpuOptions } from "@fusewire/backend-tfjs";
import { FusewireError } from "@fusewire/ir";
import { createReferenceEngine, type Engine } from "@fusewire/passes";

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

/** The name of a device, or `auto`; backends of TensorFlow.js are named behind `eager:`. */
export type Device = Exclude<(typeof DEVICES)[number], "eager:<tfjs backend>"> | `eager:${string}`;

/** How values are computed from weights; see `WebGpuOptions`. */
export type Prepare = NonNullable<WebGpuOptions["prepare"]>;

export interface EngineOptions {
  /** Where a page finds the binaries of `eager:wasm`. */
  readonly wasmPaths?: WasmPaths | undefined;
  /** Threads of `wasm`; as many as the machine has unless given. */
  readonly threads?: number | undefined;
  /** Bytes that `wasm` and `webgpu` may hold. */
  readonly maxMemory?: number | undefined;
}

/** Opens an engine by the name of its device, in this thread; `webgpu` may compute values from weights elsewhere. */
export async function openNamed(device: string, options: EngineOptions, prepare?: Prepare): Promise<Engine> {
  const { wasmPaths, threads, maxMemory } = options;
  const memory = maxMemory === undefined ? {} : { max_memory: maxMemory };
  if (device === "wasm") {
    const { createWasmEngine } = await import("@fusewire/backend-wasm");
    return createWasmEngine(wasmOptions(options));
  }
  if (threads !== undefined)
    throw new FusewireError(`threads is for device 'wasm'; leave it out for '${device}'`);
  if (device === "webgpu") {
    const { createWebGpuEngine } = await import("@fusewire/backend-tfjs");
    return createWebGpuEngine({ ...memory, prepare });
  }
  if (maxMemory !== undefined)
    throw new FusewireError(`max_memory is for devices 'wasm' and 'webgpu'; leave it out for '${device}'`);
  if (device === "interpreter") return createReferenceEngine();
  const backend = /^eager:(.+)$/.exec(device)?.[1];
  if (backend === undefined)
    throw new FusewireError(`unknown device '${device}'; choose one of ${DEVICES.join(", ")}`);
  // Loaded when asked for: tfjs is large, and not every engine needs it.
  const { createEagerEngine } = await import("@fusewire/backend-tfjs");
  return createEagerEngine(backend, { ...(wasmPaths !== undefined && { wasmPaths }) });
}

/** The options of the engine `wasm` among those of all. */
export const wasmOptions = ({ threads, maxMemory }: EngineOptions) => ({
  ...(threads !== undefined && { threads }),
  ...(maxMemory !== undefined && { max_memory: maxMemory }),
});
