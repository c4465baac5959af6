import { allocate, bytesOf, sizeOf, type TensorType, type Value } from "@fusewire/ir";
import { MAP_READ } from "../device/flags.ts";
import type { OpenDevice } from "../device/open_device.ts";
import type { Memory } from "./memory.ts";

/** A tensor on the device that the host wants. */
export interface Wanted {
  readonly type: TensorType;
  readonly buffer: GPUBuffer;
  readonly offset: number;
}

/** Brings tensors to the host through a few staging buffers that are used over and over. */
export interface ReadBack {
  /** Adds the copies to an encoder; what it returns is called after the submit and gives the values. */
  encode(encoder: GPUCommandEncoder, wanted: readonly Wanted[]): () => Promise<Value[]>;
}

const padded = (bytes: number): number => Math.ceil(bytes / 8) * 8;

export function createReadBack(device: OpenDevice, memory: Memory): ReadBack {
  const idle: GPUBuffer[] = [];
  return {
    encode(encoder, wanted) {
      const total = wanted.reduce((sum, { type }) => sum + padded(bytesOf(type)), 0);
      const at = idle.findIndex(({ size }) => size >= total);
      const staging =
        at >= 0 ? idle.splice(at, 1)[0]! : memory.allocate("read-back memory", total, "staging");
      let position = 0;
      for (const { type, buffer, offset } of wanted) {
        const bytes = Math.ceil(bytesOf(type) / 4) * 4;
        encoder.copyBufferToBuffer(buffer, offset, staging, position, bytes);
        position += padded(bytesOf(type));
      }
      return async () => {
        await device.finish(staging.mapAsync(MAP_READ, 0, total));
        const bytes = new Uint8Array(staging.getMappedRange(0, total));
        let from = 0;
        const values = wanted.map(({ type }) => {
          const data = allocate(type.dtype, sizeOf(type.shape));
          new Uint8Array(data.buffer).set(bytes.subarray(from, from + data.byteLength));
          from += padded(data.byteLength);
          return { type, data };
        });
        staging.unmap();
        idle.push(staging);
        return values;
      };
    },
  };
}
