import type { AdapterFacts, NoGpu } from "@fusewire/backend-tfjs/adapter";
import { FusewireError } from "@fusewire/ir";
import type { Engine } from "@fusewire/passes";
import { openEngine } from "#platform";
import type { EngineOptions } from "./named_engine.ts";

/** A device, and why it was taken. */
export interface DeviceChoice {
  readonly device: string;
  readonly reason: string;
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
  { lookForGpu: look, open }: Machine = { lookForGpu, open: openEngine },
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
