import { bytesPerElement, toValue } from "@fusewire/ir";
import type { Program } from "@fusewire/passes";
import { writeBytes } from "./memory.ts";

/** Several small arrays in one buffer, each where a binding may begin. */
export interface Packed {
  readonly buffer: GPUBuffer;
  readonly offsets: readonly number[];
}

/** WebGPU's default alignment of bindings, as the memory plan's. */
export const ALIGNMENT = 256;

export function packData(
  arrays: readonly ArrayBufferView[],
  device: GPUDevice,
  allocate: (bytes: number) => GPUBuffer,
): Packed {
  const offsets: number[] = [];
  let total = 0;
  for (const { byteLength } of arrays) {
    offsets.push(total);
    total += Math.ceil(byteLength / ALIGNMENT) * ALIGNMENT;
  }
  const buffer = allocate(total);
  for (const [k, data] of arrays.entries()) writeBytes(device, buffer, data, offsets[k]!);
  return { buffer, offsets };
}

/** The elements of a program's constants, by index of their buffer; one value fills its whole buffer. */
export function constantData(program: Program): Map<number, ArrayBufferView> {
  const refs = [...program.steps.flatMap(({ reads }) => reads), ...Object.values(program.outputs)];
  const data = new Map<number, ArrayBufferView>();
  for (const [k, buffer] of program.buffers.entries()) {
    const dtype = refs.find((ref) => ref.buffer === k)?.type.dtype;
    if (buffer.kind !== "constant" || !dtype) continue;
    const { values, bytes } = buffer;
    const filled =
      values.length === 1 ? new Array<number>(bytes / bytesPerElement(dtype)).fill(values[0]!) : values;
    data.set(k, toValue({ dtype, shape: [filled.length] }, filled).data);
  }
  return data;
}
