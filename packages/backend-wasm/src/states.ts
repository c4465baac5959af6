import {
  bytesOf,
  bytesPerElement,
  emptyValue,
  FusewireError,
  type StateDecl,
  type TensorType,
  type Value,
} from "@fusewire/ir";
import { checkStates, overlapOfStates, type States } from "@fusewire/passes";
import type { Heap } from "./heap.ts";

export interface WasmStates extends States {
  readonly addresses: ReadonlyMap<string, number>;
  disposed: boolean;
}

/** States of zeros. */
export function createStates(
  heap: Heap,
  decls: readonly StateDecl[],
  onDispose: (states: WasmStates) => void,
): WasmStates {
  heap.require(
    decls.reduce((sum, { type }) => sum + bytesOf(type), 0),
    "the cache",
  );
  const addresses = new Map<string, number>();
  const free = (): void => {
    for (const address of addresses.values()) heap.free(address);
  };
  try {
    for (const { name, type } of decls) {
      const bytes = bytesOf(type);
      const address = heap.allocate(bytes);
      addresses.set(name, address);
      new Uint8Array(heap.memory.buffer, address, bytes).fill(0);
    }
  } catch (error) {
    free();
    throw error;
  }
  const states: WasmStates = {
    decls,
    addresses,
    disposed: false,
    dispose() {
      if (states.disposed) return;
      states.disposed = true;
      free();
      onDispose(states);
    },
  };
  return states;
}

/** Copies what lies in the shapes of both. */
export function copyInto({ memory }: Heap, from: WasmStates, to: WasmStates): void {
  checkStates(from);
  const bytes = new Uint8Array(memory.buffer);
  for (const { name, runs } of overlapOfStates(from.decls, to.decls)) {
    const [source, target] = [from.addresses.get(name)!, to.addresses.get(name)!];
    const size = bytesPerElement(from.decls.find((decl) => decl.name === name)!.type.dtype);
    for (const run of runs)
      bytes.copyWithin(
        target + run.to * size,
        source + run.from * size,
        source + (run.from + run.count) * size,
      );
  }
}

/** A copy of a state's value. */
export function readState(heap: Heap, states: WasmStates, name: string): Value {
  const decl = states.decls.find((candidate) => candidate.name === name);
  if (!decl) throw new FusewireError(`there is no state '${name}'`);
  checkStates(states, name);
  return readValue(heap.memory, states.addresses.get(name)!, decl.type);
}

/** A copy of a tensor in the memory. */
export function readValue(memory: WebAssembly.Memory, address: number, type: TensorType): Value {
  const value = emptyValue(type);
  const { data } = value;
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  bytes.set(new Uint8Array(memory.buffer, address, bytes.length));
  return value;
}
