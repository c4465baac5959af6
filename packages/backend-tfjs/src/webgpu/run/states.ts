import { bytesOf, bytesPerElement, FusewireError, type StateDecl } from "@fusewire/ir";
import { overlapOfStates, type States } from "@fusewire/passes";
import type { Memory } from "./memory.ts";

export interface GpuStates extends States {
  readonly buffers: ReadonlyMap<string, GPUBuffer>;
  disposed: boolean;
}

/** States of zeros, which is what WebGPU fills new buffers with. */
export function createStates(decls: readonly StateDecl[], memory: Memory): GpuStates {
  const buffers = new Map<string, GPUBuffer>();
  const release = () => {
    for (const buffer of buffers.values()) memory.free(buffer);
  };
  try {
    for (const { name, type } of decls) buffers.set(name, memory.allocate(`state ${name}`, bytesOf(type)));
  } catch (error) {
    release();
    throw error;
  }
  const states: GpuStates = {
    decls,
    buffers,
    disposed: false,
    dispose() {
      states.disposed = true;
      release();
    },
  };
  return states;
}

/** Copies what lies in the shapes of both, on the device. */
export function copyInto(device: GPUDevice, from: GpuStates, to: GpuStates): void {
  const encoder = device.createCommandEncoder();
  for (const { name, runs } of overlapOfStates(from.decls, to.decls)) {
    const size = bytesPerElement(from.decls.find((decl) => decl.name === name)!.type.dtype);
    const [source, target] = [stateBuffer(from, name), stateBuffer(to, name)];
    const whole = runs.length === 1 && runs[0]!.from === 0 && runs[0]!.to === 0;
    for (const run of runs) {
      const [start, end, bytes] = [run.from * size, run.to * size, run.count * size];
      // WebGPU copies words; the bytes behind one piece belong to nothing.
      const words = whole ? Math.ceil(bytes / 4) * 4 : bytes;
      if ([start, end, words].some((value) => value % 4 !== 0))
        throw new FusewireError(`state '${name}' cannot be copied in words of 4 bytes; its rows are odd`);
      encoder.copyBufferToBuffer(source, start, target, end, words);
    }
  }
  device.queue.submit([encoder.finish()]);
}

export function stateBuffer(states: GpuStates, name: string): GPUBuffer {
  const buffer = states.buffers.get(name);
  if (!buffer) throw new FusewireError(`there is no state '${name}'`);
  if (states.disposed) throw new FusewireError(`state '${name}' was disposed`);
  return buffer;
}
