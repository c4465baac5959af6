import type { WasmPaths } from "@fusewire/backend-tfjs";
import type { AdapterFacts, NoGpu } from "@fusewire/backend-tfjs/adapter";
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

/** A device, and why it was taken. */
export interface DeviceChoice {
  readonly device: string;
  readonly reason: string;
}

export interface EngineOptions {
  /** Where a page finds the binaries of `eager:wasm`. */
  readonly wasmPaths?: WasmPaths | undefined;
  /** Threads of `wasm`; as many as the machine has unless given. */
  readonly threads?: number | undefined;
  /** Bytes that `wasm` and `webgpu` may hold. */
  readonly maxMemory?: number | undefined;
}

export interface ChosenEngine {
  readonly engine: Engine;
  /** Why `auto` took it; undefined where the device was named. */
  readonly reason: string | undefined;
}

/** What `auto` takes: the GPU where there is one, and otherwise the fastest engine that runs everywhere. */
export function chooseDevice(sight: AdapterFacts | NoGpu): DeviceChoice {
  if ("refused" in sight) return { device: "wasm", reason: sight.refused };
  const name = adapterName(sight);
  return sight.software
    ? { device: "wasm", reason: `the only adapter, ${name}, is software, which is slower than wasm` }
    : { device: "webgpu", reason: `the GPU ${name}` };
}

/** What an adapter is called, as far as it tells. */
export const adapterName = ({ description, vendor, architecture }: AdapterFacts): string =>
  description || [vendor, architecture].filter((part) => part !== "").join(" ") || "without a name";

/** What the machine shows of GPUs: without loading a driver where it cannot have one, so that `auto` costs nothing there. */
export async function lookForGpu(): Promise<AdapterFacts | NoGpu> {
  const { findAdapter, noGpuInSight } = await import("@fusewire/backend-tfjs/adapter");
  const refused = noGpuInSight();
  if (refused !== undefined) return { missing: "adapter", refused };
  const found = await findAdapter();
  return "refused" in found ? found : found.facts;
}

/** How devices are found and opened. */
export interface Machine {
  readonly lookForGpu: typeof lookForGpu;
  readonly open: (device: string, options: EngineOptions) => Promise<Engine>;
}

/** The engine for a device name; an unknown one is an error that lists what there is. */
export async function createEngine(
  device: string,
  options: EngineOptions = {},
  { lookForGpu: look, open }: Machine = { lookForGpu, open: createNamed },
): Promise<ChosenEngine> {
  if (device !== "auto") return { engine: await open(device, options), reason: undefined };
  const { device: chosen, reason } = chooseDevice(await look());
  try {
    return { engine: await open(chosen, options), reason };
  } catch (error) {
    if (chosen !== "webgpu" || isCallers(error)) throw error;
    // Drivers go on for pages.
    const [why] = (error instanceof Error ? error.message : String(error)).split("\n");
    const refused = `${reason} did not open (${why})`;
    return { engine: await open("wasm", options), reason: refused };
  }
}

/** Whether an option was wrong, rather than the device: errors of devices name a fault. */
const isCallers = (error: unknown): boolean => error instanceof FusewireError && !("fault" in error);

async function createNamed(device: string, options: EngineOptions): Promise<Engine> {
  const { wasmPaths, threads, maxMemory } = options;
  const memory = maxMemory === undefined ? {} : { max_memory: maxMemory };
  if (device === "wasm") {
    const { createWasmEngine } = await import("@fusewire/backend-wasm");
    return createWasmEngine({ ...memory, ...(threads !== undefined && { threads }) });
  }
  if (threads !== undefined)
    throw new FusewireError(`threads is for device 'wasm'; leave it out for '${device}'`);
  if (device === "webgpu") {
    const { createWebGpuEngine } = await import("@fusewire/backend-tfjs");
    return createWebGpuEngine(memory);
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
