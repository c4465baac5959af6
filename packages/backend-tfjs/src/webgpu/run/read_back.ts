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

/** Memory that the host can map, for what a number of steps give. */
export interface Staging {
  /** To be waited for before the submit, where the memory is new. */
  readonly checked: Promise<void> | undefined;
  /** Adds the copies of one step. */
  encode(encoder: GPUCommandEncoder, step: number): void;
  /** The values of every step; to be called after the submit. */
  finish(): Promise<Value[][]>;
  /** Gives the memory back where nothing was submitted. */
  drop(): void;
}

/** Brings tensors to the host through a few staging buffers that are used over and over. */
export interface ReadBack {
  open(wanted: readonly Wanted[], steps: number): Staging;
}

const padded = (bytes: number): number => Math.ceil(bytes / 8) * 8;

export function createReadBack(device: OpenDevice, memory: Memory): ReadBack {
  const idle: GPUBuffer[] = [];
  const fresh = (bytes: number) =>
    memory.together("what is read back", () => memory.allocate("read-back memory", bytes, "staging"));
  return {
    open(wanted, steps) {
      const perStep = wanted.reduce((sum, { type }) => sum + padded(bytesOf(type)), 0);
      const total = perStep * steps;
      const at = idle.findIndex(({ size }) => size >= total);
      const { made: staging, checked } =
        at >= 0 ? { made: idle.splice(at, 1)[0]!, checked: undefined } : fresh(total);
      return {
        checked,
        encode(encoder, step) {
          let position = step * perStep;
          for (const { type, buffer, offset } of wanted) {
            encoder.copyBufferToBuffer(buffer, offset, staging, position, Math.ceil(bytesOf(type) / 4) * 4);
            position += padded(bytesOf(type));
          }
        },
        async finish() {
          await device.arrive(staging.mapAsync(MAP_READ, 0, total));
          const bytes = new Uint8Array(staging.getMappedRange(0, total));
          const values = Array.from({ length: steps }, (_, step) => valuesAt(bytes, step * perStep, wanted));
          staging.unmap();
          idle.push(staging);
          return values;
        },
        drop: () => memory.free(staging),
      };
    },
  };
}

function valuesAt(bytes: Uint8Array, start: number, wanted: readonly Wanted[]): Value[] {
  let from = start;
  return wanted.map(({ type }) => {
    const data = allocate(type.dtype, sizeOf(type.shape));
    new Uint8Array(data.buffer).set(bytes.subarray(from, from + data.byteLength));
    from += padded(data.byteLength);
    return { type, data };
  });
}
