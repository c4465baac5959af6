import { bytesOf, bytesPerElement, FusewireError, formatType, type StateDecl } from "@fusewire/ir";
import { checkStates, overlapOfStates, type States } from "@fusewire/passes";
import { SMALLER, WENT_WITH_DEVICE, WebGpuError } from "../device/errors.ts";
import { allocatedBytes, type Memory } from "./memory.ts";

export interface GpuStates extends States {
  readonly memory: Memory;
  readonly buffers: ReadonlyMap<string, GPUBuffer>;
  /** Settles when the device is known to have the memory; undefined from then on. */
  checked: Promise<void> | undefined;
  disposed: boolean;
}

export const bytesOfStates = (decls: readonly StateDecl[]): number =>
  decls.reduce((sum, { type }) => sum + allocatedBytes(bytesOf(type)), 0);

/** Throws where a state is larger than what a kernel can see of it at once. */
export function checkStateSizes(decls: readonly StateDecl[], { largestBinding }: Memory): void {
  for (const { name, type } of decls)
    if (bytesOf(type) > largestBinding)
      throw new WebGpuError(
        "limit",
        `state ${name} ${formatType(type)} takes ${bytesOf(type)} bytes, and the adapter binds at most ${largestBinding}; ${SMALLER}`,
        bytesOf(type),
      );
}

/** States of zeros, which is what WebGPU fills new buffers with. */
export function createStates(decls: readonly StateDecl[], memory: Memory, onDispose: () => void): GpuStates {
  checkStateSizes(decls, memory);
  memory.checkRoom("a cache", { states: bytesOfStates(decls) });
  const { made: buffers, checked } = memory.together(
    "a cache",
    () => new Map(decls.map(({ name, type }) => [name, memory.allocate(`state ${name}`, bytesOf(type))])),
  );
  const states: GpuStates = {
    decls,
    memory,
    buffers,
    checked,
    disposed: false,
    get lost() {
      return memory.lost;
    },
    dispose() {
      states.disposed = true;
      onDispose();
      for (const buffer of buffers.values()) memory.free(buffer);
    },
  };
  // States that could not be made stay so: whoever uses them gets the error.
  checked.then(
    () => {
      states.checked = undefined;
    },
    () => undefined,
  );
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

/** Throws unless the states are on the device of this memory. */
export function checkHome(states: GpuStates, memory: Memory): void {
  if (states.memory !== memory)
    throw new WebGpuError("lost", `these states ${WENT_WITH_DEVICE}; make others`);
}

export function stateBuffer(states: GpuStates, name: string): GPUBuffer {
  const buffer = states.buffers.get(name);
  if (!buffer) throw new FusewireError(`there is no state '${name}'`);
  checkStates(states, name);
  return buffer;
}
