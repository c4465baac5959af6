import { WebGpuError } from "../device/errors.ts";
import { USAGE } from "../device/flags.ts";
import type { OpenDevice } from "../device/open_device.ts";

/** What buffers are for: what programs work on, what the host reads back from, and sizes. */
export type Purpose = "storage" | "staging" | "uniform";

const USAGES: Readonly<Record<Purpose, number>> = {
  storage: USAGE.STORAGE | USAGE.COPY_SRC | USAGE.COPY_DST,
  staging: USAGE.MAP_READ | USAGE.COPY_DST,
  uniform: USAGE.UNIFORM | USAGE.COPY_DST,
};

/** Buffers of one engine, counted. */
export interface Memory {
  allocate(what: string, bytes: number, purpose?: Purpose): GPUBuffer;
  free(buffer: GPUBuffer): void;
  freeAll(): void;
  held(): { readonly bytes: number; readonly tensors: number };
}

/** Refuses, before anything is allocated, what no binding of the adapter holds or what exceeds `maxBytes`. */
export function createMemory({ device, facts }: OpenDevice, maxBytes = Number.POSITIVE_INFINITY): Memory {
  const buffers = new Set<GPUBuffer>();
  let held = 0;
  const free = (buffer: GPUBuffer): void => {
    if (!buffers.delete(buffer)) return;
    held -= buffer.size;
    buffer.destroy();
  };
  return {
    allocate(what, bytes, purpose = "storage") {
      const size = Math.max(16, Math.ceil(bytes / 16) * 16);
      const { maxBufferSize, maxStorageBufferBindingSize } = facts.limits;
      const largest =
        purpose === "storage" ? Math.min(maxBufferSize, maxStorageBufferBindingSize) : maxBufferSize;
      if (size > largest)
        throw new WebGpuError(
          "limit",
          `${what} takes ${size} bytes and the adapter binds at most ${largest}; use a smaller model, batch or cache`,
        );
      if (held + size > maxBytes)
        throw new WebGpuError(
          "out-of-memory",
          `${what} takes ${size} bytes, which with the ${held} in use exceeds max_memory ${maxBytes}; raise it, or use a smaller model, batch or cache`,
        );
      const buffer = device.createBuffer({ label: what, size, usage: USAGES[purpose] });
      buffers.add(buffer);
      held += size;
      return buffer;
    },
    free,
    freeAll: () => [...buffers].forEach(free),
    held: () => ({ bytes: held, tensors: buffers.size }),
  };
}

/** Copies host bytes to the start of a buffer, or to `offset`; lengths that are no multiple of 4 are padded. */
export function writeBytes(device: GPUDevice, buffer: GPUBuffer, data: ArrayBufferView, offset = 0): void {
  const { byteLength, byteOffset } = data;
  const whole = byteLength - (byteLength % 4);
  if (whole > 0) device.queue.writeBuffer(buffer, offset, data.buffer as ArrayBuffer, byteOffset, whole);
  if (whole === byteLength) return;
  const rest = new Uint8Array(4);
  rest.set(new Uint8Array(data.buffer, byteOffset + whole, byteLength - whole));
  device.queue.writeBuffer(buffer, offset + whole, rest);
}
