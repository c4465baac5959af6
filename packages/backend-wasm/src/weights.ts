import { bytesOf, FusewireError, formatType, type Node, sameType, type Value } from "@fusewire/ir";
import {
  evaluatePrepared,
  type Lowered,
  type ProgramBuffer,
  type WeightSource,
  type Weights,
} from "@fusewire/passes";
import type { Heap } from "./heap.ts";

/** A weight in the memory, or a value prepared from weights. */
export interface Leaf {
  readonly address: number;
  readonly bytes: number;
}

export interface WasmWeights extends Weights {
  /** By kind and name; promises, so that two entries compiled at once share one upload. */
  readonly leaves: Map<string, Promise<Leaf>>;
  readonly addresses: Set<number>;
  disposed: boolean;
}

export function createWeights(
  heap: Heap,
  source: WeightSource,
  onDispose: (weights: WasmWeights) => void,
): WasmWeights {
  const weights: WasmWeights = {
    source,
    leaves: new Map(),
    addresses: new Set(),
    disposed: false,
    dispose() {
      if (weights.disposed) return;
      weights.disposed = true;
      for (const address of weights.addresses) heap.free(address);
      weights.addresses.clear();
      weights.leaves.clear();
      onDispose(weights);
    },
  };
  return weights;
}

const keyOf = ({ kind, name }: ProgramBuffer): string => `${kind} ${name}`;

/** Whether an entry has read the weight before. */
export const isLoaded = (weights: WasmWeights, buffer: ProgramBuffer): boolean =>
  weights.leaves.has(keyOf(buffer));

/** Reads a weight into the memory when nobody has. */
export async function requireWeight(
  heap: Heap,
  weights: WasmWeights,
  lowered: Lowered,
  buffer: ProgramBuffer,
  leafNode: Node,
): Promise<Leaf> {
  const key = keyOf(buffer);
  let loading = weights.leaves.get(key);
  if (!loading) {
    loading = load(heap, weights, lowered, buffer, leafNode);
    weights.leaves.set(key, loading);
    // A weight that could not be read is asked for again by the next entry.
    loading.catch(() => weights.leaves.delete(key));
  }
  return loading;
}

async function load(
  heap: Heap,
  weights: WasmWeights,
  lowered: Lowered,
  { kind, name }: ProgramBuffer,
  { type }: Node,
): Promise<Leaf> {
  const value =
    kind === "prepared"
      ? await evaluatePrepared(lowered.prepare.get(name)!, weights.source)
      : await weights.source(name);
  if (!sameType(value.type, type))
    throw new FusewireError(`weight '${name}' is ${formatType(value.type)}, not ${formatType(type)}`);
  if (weights.disposed) throw new FusewireError("the weights were disposed while an entry was compiled");
  const bytes = bytesOf(type);
  const address = heap.allocate(bytes);
  weights.addresses.add(address);
  writeValue(heap.memory, address, value);
  return { address, bytes };
}

/** Copies a value's bytes into the memory. */
export function writeValue(memory: WebAssembly.Memory, address: number, { data }: Value): void {
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  new Uint8Array(memory.buffer, address, bytes.length).set(bytes);
}
