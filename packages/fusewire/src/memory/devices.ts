import type { EngineTraits } from "@fusewire/passes";
import { lookForGpu } from "../devices.ts";
import { openNamed } from "../named_engine.ts";

/** What one device of this machine can hold. */
export interface DeviceRoom {
  readonly device: string;
  /** Bytes in all, and who says so. */
  readonly limit: number;
  readonly because: string;
  /** Bytes of one tensor; undefined where only the sum counts. */
  readonly binding?: number;
  /** How the device lays out memory; undefined where a device like it must do. */
  readonly traits?: EngineTraits;
}

const WASM_BYTES = 2 ** 32;

/** The devices of this machine that have a limit which is known before anything is loaded. */
export async function findDevices(maxMemory?: number): Promise<readonly DeviceRoom[]> {
  const limited = (limit: number, because: string) =>
    maxMemory !== undefined && maxMemory < limit
      ? { limit: maxMemory, because: "max_memory" }
      : { limit, because };
  const wasm = await openNamed("wasm", {});
  await wasm.dispose();
  const rooms: DeviceRoom[] = [
    { device: "wasm", ...limited(WASM_BYTES, "WebAssembly addresses 4 GiB"), traits: wasm },
  ];
  const gpu = await lookForGpu();
  if (!("refused" in gpu))
    rooms.push({
      device: "webgpu",
      ...limited(Number.POSITIVE_INFINITY, "the GPU's memory"),
      binding: Math.min(gpu.limits.maxStorageBufferBindingSize, gpu.limits.maxBufferSize),
    });
  return rooms;
}
