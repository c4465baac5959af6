import { bytesOf, castValue, FusewireError, formatType, type Node, sameType, type Value } from "@fusewire/ir";
import {
  checkWeights,
  evaluatePrepared,
  type Lowered,
  type WeightSource,
  type Weights,
} from "@fusewire/passes";
import type { Heap } from "./heap.ts";
import type { Kernels } from "./kernels.ts";
import { type Panels, panelBytes, writePanels } from "./panels.ts";
import { piecesOf, readPieces } from "./pieces.ts";
import { quantizePart, stageBytes } from "./quantize.ts";
import { type Tiling, tiledBytes, writeScales } from "./tiles.ts";

/** A weight as an entry reads it. */
export interface WeightRead {
  readonly kind: "param" | "prepared";
  readonly name: string;
  readonly node: Node;
  /** How it is kept: as the graph has it, f32 values as bf16 words, a matrix in panels, or a quantized one in tiles. */
  readonly layout: "plain" | "bf16" | Panels | Tiling;
}

/** A weight that is in the memory or on its way there. */
export interface Loading {
  readonly key: string;
  readonly read: WeightRead;
  readonly address: Promise<number>;
  /** Entries that were compiled with it, or are being so. */
  users: number;
}

export interface WasmWeights extends Weights {
  /** By kind, name and layout, so that entries share them, also those that are compiled at once. */
  readonly loading: Map<string, Loading>;
  readonly addresses: Set<number>;
  readonly kernels: Kernels;
  /** Scales that were computed for their codes and are not yet in the memory. */
  readonly waiting: Map<Node, Float32Array>;
  disposed: boolean;
}

export function createWeights(
  heap: Heap,
  kernels: Kernels,
  source: WeightSource,
  onDispose: (weights: WasmWeights) => void,
): WasmWeights {
  const weights: WasmWeights = {
    source,
    loading: new Map(),
    addresses: new Set(),
    kernels,
    waiting: new Map(),
    disposed: false,
    dispose() {
      if (weights.disposed) return;
      weights.disposed = true;
      for (const address of weights.addresses) heap.free(address);
      weights.addresses.clear();
      weights.loading.clear();
      weights.waiting.clear();
      onDispose(weights);
    },
  };
  return weights;
}

/** What entries that read the same weight in the same layout have in common. */
export const keyOf = ({ kind, name, layout }: WeightRead): string =>
  `${kind} ${name} ${typeof layout === "string" ? layout : layout.kind}`;

/** Bytes that reading the weight would add to the memory. */
export const missingBytes = (weights: WasmWeights, read: WeightRead): number =>
  weights.loading.has(keyOf(read)) ? 0 : storedBytes(read);

/** Bytes that the weight takes in its layout. */
export function storedBytes({ node, layout }: WeightRead): number {
  if (typeof layout === "string") return bytesOf(node.type) / (layout === "bf16" ? 2 : 1);
  return layout.kind === "panels" ? panelBytes(layout) : tiledBytes(layout);
}

/** Bytes that reading the weight takes for a while, before an entry's own memory is taken. */
export const stagedBytes = ({ node, layout }: WeightRead): number =>
  typeof layout === "string" || layout.kind === "panels"
    ? 0
    : stageBytes(node.type.shape[1]!, layout.layout.group, 4);

/**
 * The addresses of the weights that an entry reads, those that are missing read into the memory first. `taken` is told
 * which, for `giveBack` where the entry does not come about.
 */
export async function requireWeights(
  heap: Heap,
  weights: WasmWeights,
  lowered: Lowered,
  reads: ReadonlyMap<number, WeightRead>,
  taken: Loading[],
): Promise<ReadonlyMap<number, number>> {
  const addresses = new Map<number, number>();
  for (const [index, read] of reads) {
    const key = keyOf(read);
    const loading = weights.loading.get(key) ?? startLoading(heap, weights, lowered, read);
    loading.users++;
    taken.push(loading);
    addresses.set(index, await loading.address);
  }
  return addresses;
}

function startLoading(heap: Heap, weights: WasmWeights, lowered: Lowered, read: WeightRead): Loading {
  const loading = { key: keyOf(read), read, address: load(heap, weights, lowered, read), users: 0 };
  weights.loading.set(loading.key, loading);
  // A weight that could not be read is asked for again by the next entry.
  loading.address.catch(() => forget(weights, loading));
  return loading;
}

/** Frees what no other entry uses of the weights that were taken. */
export async function giveBack(heap: Heap, weights: WasmWeights, taken: readonly Loading[]): Promise<void> {
  for (const loading of taken) {
    loading.users--;
    if (loading.users > 0) continue;
    forget(weights, loading);
    const address = await loading.address.catch(() => undefined);
    if (address !== undefined && weights.addresses.delete(address)) heap.free(address);
  }
}

function forget({ loading, waiting }: WasmWeights, gone: Loading): void {
  if (loading.get(gone.key) === gone) loading.delete(gone.key);
  const { layout } = gone.read;
  if (typeof layout === "string" || layout.kind === "panels") return;
  for (const part of layout.parts) waiting.delete(part);
}

async function load(heap: Heap, weights: WasmWeights, lowered: Lowered, read: WeightRead): Promise<number> {
  const address = heap.allocate(storedBytes(read));
  weights.addresses.add(address);
  const { layout } = read;
  let written = 0;
  const write = (value: Value): void => {
    // What was read after all is gone belongs nowhere: the memory may be another's by now.
    checkWeights(weights);
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
    if (pieces) await readPieces(weights.source, pieces, (value) => write(stored(read, value)));
    else write(await evaluatePrepared(expression, weights.source));
    return address;
  } catch (error) {
    if (weights.addresses.delete(address)) heap.free(address);
    throw error;
  }
}

/** A piece of a weight as it is kept. */
function stored({ node, layout }: WeightRead, value: Value): Value {
  if (node.op === "param" && !sameType(value.type, node.type))
    throw new FusewireError(
      `weight '${node.attrs.name}' is ${formatType(value.type)}, not ${formatType(node.type)}`,
    );
  const narrow =
    typeof layout === "string" ? layout === "bf16" : layout.kind === "panels" && layout.dtype !== "f32";
  return narrow ? value : castValue(value, node.type.dtype);
}

/**
 * Quantizes the parts of a matrix one after another. Scales that were computed with their codes wait until they are
 * asked for themselves: they are small, and searching for them is most of the work.
 */
async function loadTiles(heap: Heap, weights: WasmWeights, address: number, tiling: Tiling): Promise<void> {
  const codes = tiling.kind === "codes";
  const check = (): void => checkWeights(weights);
  let first = 0;
  for (const part of tiling.parts) {
    const target = { codes: codes ? { tiling, address } : undefined, first, check };
    const scales =
      (codes ? undefined : weights.waiting.get(part)) ??
      (await quantizePart(heap, weights.kernels, weights.source, part, target));
    check();
    if (codes) weights.waiting.set(part, scales);
    else {
      weights.waiting.delete(part);
      writeScales(heap.memory.buffer, address, tiling.width, first, scales);
    }
    first += part.type.shape[0]!;
  }
}

/** Copies a value's bytes into the memory. */
export function writeValue(memory: WebAssembly.Memory, address: number, { data }: Value): void {
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  new Uint8Array(memory.buffer, address, bytes.length).set(bytes);
}
