import {
  bytesOf,
  castValue,
  evaluate,
  FusewireError,
  formatType,
  isNode,
  type Node,
  sameType,
  topological,
  type Value,
} from "@fusewire/ir";
import { evaluatePrepared, type Lowered, type WeightSource, type Weights } from "@fusewire/passes";
import type { Heap } from "./heap.ts";
import { type Panels, panelBytes, writePanels } from "./panels.ts";
import { type Piece, piecesOf } from "./pieces.ts";
import { type Tiling, tiledBytes, writeTiles } from "./tiles.ts";

const DISPOSED = "the weights were disposed while an entry was compiled";

/** A weight as an entry reads it. */
export interface WeightRead {
  readonly kind: "param" | "prepared";
  readonly name: string;
  readonly node: Node;
  /** How it is kept: as the graph has it, f32 values as bf16 words, a matrix in panels, or a quantized one in tiles. */
  readonly layout: "plain" | "bf16" | Panels | Tiling;
}

export interface WasmWeights extends Weights {
  /** Addresses by kind, name and layout; promises, so that two entries compiled at once share one upload. */
  readonly loading: Map<string, Promise<number>>;
  readonly addresses: Set<number>;
  /** Scales that were computed for their codes and are not yet in the memory. */
  readonly halves: Map<Node, Value>;
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
    halves: new Map(),
    disposed: false,
    dispose() {
      if (weights.disposed) return;
      weights.disposed = true;
      for (const address of weights.addresses) heap.free(address);
      weights.addresses.clear();
      weights.loading.clear();
      weights.halves.clear();
      onDispose(weights);
    },
  };
  return weights;
}

const keyOf = ({ kind, name, layout }: WeightRead): string =>
  `${kind} ${name} ${typeof layout === "string" ? layout : layout.kind}`;

/** Bytes that reading the weight would add to the memory. */
export const missingBytes = (weights: WasmWeights, read: WeightRead): number =>
  weights.loading.has(keyOf(read)) ? 0 : storedBytes(read);

function storedBytes({ node, layout }: WeightRead): number {
  if (typeof layout === "string") return bytesOf(node.type) / (layout === "bf16" ? 2 : 1);
  return layout.kind === "panels" ? panelBytes(layout) : tiledBytes(layout);
}

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
  const { layout } = read;
  let written = 0;
  const write = (value: Value): void => {
    // What was read after all is gone belongs nowhere: the memory may be another's by now.
    if (weights.disposed) throw new FusewireError(DISPOSED);
    if (typeof layout !== "string" && layout.kind === "panels")
      writePanels(heap.memory.buffer, address, layout, written / layout.width, value);
    else writeValue(heap.memory, address + written * value.data.BYTES_PER_ELEMENT, value);
    written += value.data.length;
  };
  try {
    if (typeof layout !== "string") {
      new Uint8Array(heap.memory.buffer, address, storedBytes(read)).fill(0);
      if (layout.kind !== "panels") {
        await loadTiles(heap, weights, address, layout);
        return address;
      }
    }
    const expression = read.kind === "prepared" ? lowered.prepare.get(read.name)! : read.node;
    const pieces = piecesOf(expression);
    if (pieces) await loadPieces(weights.source, read, pieces, write);
    else write(await evaluatePrepared(expression, weights.source));
    return address;
  } catch (error) {
    if (weights.addresses.delete(address)) heap.free(address);
    throw error;
  }
}

/** Computes the parts of a quantized matrix one after another and writes each into its rows of the tiles. */
async function loadTiles(heap: Heap, weights: WasmWeights, address: number, tiling: Tiling): Promise<void> {
  let row = 0;
  for (const part of tiling.parts) {
    const value = await evaluatePart(weights, part);
    if (weights.disposed) throw new FusewireError(DISPOSED);
    writeTiles(heap.memory.buffer, address, tiling, row, value);
    row += part.type.shape[0]!;
  }
}

/**
 * Codes are computed from their scales, which then wait until they are asked for themselves: they are small, and
 * searching for them is most of the work.
 */
async function evaluatePart(weights: WasmWeights, part: Node): Promise<Value> {
  const waiting = weights.halves.get(part);
  weights.halves.delete(part);
  if (waiting) return waiting;
  const scales = isNode(part, "quantize_rows") ? part.inputs[1]! : undefined;
  if (!scales) return evaluatePrepared(part, weights.source);
  const params = new Map<string, Value>();
  for (const leaf of topological([part]))
    if (isNode(leaf, "param")) params.set(leaf.attrs.name, await weights.source(leaf.attrs.name));
  const both = evaluate([part, scales], { params: (name) => params.get(name)! });
  weights.halves.set(scales, both.get(scales)!);
  return both.get(part)!;
}

/** Writes one weight after another, so that no more than one is held outside the memory. */
async function loadPieces(
  source: WeightSource,
  { node, layout }: WeightRead,
  pieces: readonly Piece[],
  write: (value: Value) => void,
): Promise<void> {
  const narrow =
    layout === "bf16" || (typeof layout !== "string" && layout.kind === "panels" && layout.dtype === "bf16");
  for (const { name, dtype, size } of pieces) {
    const value = await source(name);
    if (value.type.dtype !== dtype || value.data.length !== size)
      throw new FusewireError(
        `weight '${name}' is ${formatType(value.type)}, not ${size} elements of ${dtype}`,
      );
    if (node.op === "param" && !sameType(value.type, node.type))
      throw new FusewireError(`weight '${name}' is ${formatType(value.type)}, not ${formatType(node.type)}`);
    write(narrow ? value : castValue(value, node.type.dtype));
  }
}

/** Copies a value's bytes into the memory. */
export function writeValue(memory: WebAssembly.Memory, address: number, { data }: Value): void {
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  new Uint8Array(memory.buffer, address, bytes.length).set(bytes);
}
