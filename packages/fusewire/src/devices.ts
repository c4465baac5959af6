import { FusewireError } from "@fusewire/ir";
import { createReferenceEngine, type Engine } from "@fusewire/passes";

/** What `auto` means today: the fastest engine that runs everywhere. */
const AUTO = "eager:wasm";

/** Names of devices, for messages and help. */
export const DEVICES = ["auto", "eager:wasm", "eager:cpu", "eager:<tfjs backend>", "interpreter"] as const;

/** The engine for a device name; an unknown one is an error that lists what there is. */
export async function createEngine(device: string): Promise<Engine> {
  if (device === "auto") return createEngine(AUTO);
  if (device === "interpreter") return createReferenceEngine();
  const backend = /^eager:(.+)$/.exec(device)?.[1];
  if (backend === undefined)
    throw new FusewireError(`unknown device '${device}'; choose one of ${DEVICES.join(", ")}`);
  // Loaded when asked for: tfjs is large, and not every engine needs it.
  const { createEagerEngine } = await import("@fusewire/backend-tfjs");
  return createEagerEngine(backend);
}
