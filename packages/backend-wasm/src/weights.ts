import { bytesOf, castValue, FusewireError, formatType, type Node, sameType, type Value } from "@fusewire/ir";
import { evaluatePrepared, type Lowered, type WeightSource, type Weights } from "@fusewire/passes";
import type { Heap } from "./heap.ts";
import { type Piece, piecesOf } from "./pieces.ts";

/** A weight as an entry reads it. */
export interface WeightRead {
  readonly kind: "param" | "prepared";
  readonly name: string;
  readonly node: Node;
  /** f32 values kept as bf16 words. */
  readonly narrow: boolean;
}

export interface WasmWeights extends Weights {
  /** Addresses by kind, name and layout; promises, so that two entries compiled at once share one upload. */
  readonly loading: Map<string, Promise<number>>;
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
    loading: new Map(),
    addresses: new Set(),
    disposed: false,
    dispose() {
      if (weights.disposed) return;
      weights.disposed = true;
      for (const address of weights.addresses) heap.free(address);
      weights.addresses.clear();
      weights.loading.clear();
      onDispose(weights);
    },
  };
  return weights;
}

const keyOf = ({ kind, name, narrow }: WeightRead): string => `${kind} ${name}${narrow ? " bf16" : ""}`;

/** Bytes that reading the weight would add to the memory. */
export const missingBytes = (weights: WasmWeights, read: WeightRead): number =>
  weights.loading.has(keyOf(read)) ? 0 : storedBytes(read);

const storedBytes = ({ node, narrow }: WeightRead): number => bytesOf(node.type) / (narrow ? 2 : 1);

/** The address of a weight, read into the memory when nobody has. */
export async function requireWeight(
  heap: Heap,
  weights: WasmWeights,
  lowered: Lowered,
  read: WeightRead,
): Promise<number> {
  const key = keyOf(read);
  let loading = weights.loading.get(key);
  if (!loading) {
    loading = load(heap, weights, lowered, read);
    weights.loading.set(key, loading);
    // A weight that could not be read is asked for again by the next entry.
    loading.catch(() => weights.loading.delete(key));
  }
  return loading;
}

async function load(heap: Heap, weights: WasmWeights, lowered: Lowered, read: WeightRead): Promise<number> {
  const address = heap.allocate(storedBytes(read));
  weights.addresses.add(address);
  const write = (offset: number, value: Value): void => {
    // What was read after all is gone belongs nowhere: the memory may be another's by now.
    if (weights.disposed) throw new FusewireError("the weights were disposed while an entry was compiled");
    writeValue(heap.memory, address + offset, value);
  };
  try {
    const expression = read.kind === "prepared" ? lowered.prepare.get(read.name)! : read.node;
    const pieces = piecesOf(expression);
    if (pieces) await loadPieces(weights.source, read, pieces, write);
    else write(0, await evaluatePrepared(expression, weights.source));
    return address;
  } catch (error) {
    if (weights.addresses.delete(address)) heap.free(address);
    throw error;
  }
}

/** Writes one weight after another, so that no more than one is held outside the memory. */
async function loadPieces(
  source: WeightSource,
  { node, narrow }: WeightRead,
  pieces: readonly Piece[],
  write: (offset: number, value: Value) => void,
): Promise<void> {
  let offset = 0;
  for (const { name, dtype, size } of pieces) {
    const value = await source(name);
    if (value.type.dtype !== dtype || value.data.length !== size)
      throw new FusewireError(
        `weight '${name}' is ${formatType(value.type)}, not ${size} elements of ${dtype}`,
      );
    if (node.op === "param" && !sameType(value.type, node.type))
      throw new FusewireError(`weight '${name}' is ${formatType(value.type)}, not ${formatType(node.type)}`);
    const stored = narrow ? value : castValue(value, node.type.dtype);
    write(offset, stored);
    offset += stored.data.byteLength;
  }
}

/** Copies a value's bytes into the memory. */
export function writeValue(memory: WebAssembly.Memory, address: number, { data }: Value): void {
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  new Uint8Array(memory.buffer, address, bytes.length).set(bytes);
}
