import { bytesOf, FusewireError, type StateDecl } from "@fusewire/ir";
import type { States } from "@fusewire/passes";
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

export function stateBuffer(states: GpuStates, name: string): GPUBuffer {
  const buffer = states.buffers.get(name);
  if (!buffer) throw new FusewireError(`there is no state '${name}'`);
  if (states.disposed) throw new FusewireError(`state '${name}' was disposed`);
  return buffer;
}
