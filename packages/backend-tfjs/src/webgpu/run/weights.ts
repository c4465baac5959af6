import { FusewireError, formatType, sameType, type Value } from "@fusewire/ir";
import { evaluatePrepared, type Lowered, type WeightSource, type Weights } from "@fusewire/passes";
import type { StoredType } from "../wgsl/storage.ts";
import { type Memory, writeBytes } from "./memory.ts";
import { packNibbles } from "./nibbles.ts";

export interface GpuWeights extends Weights {
  /** By kind and name; promises, so that two entries compiled at once share one upload. */
  readonly loading: Map<string, Promise<GPUBuffer>>;
  readonly buffers: Set<GPUBuffer>;
  disposed: boolean;
}

export function createWeights(source: WeightSource, memory: Memory): GpuWeights {
  const weights: GpuWeights = {
    source,
    loading: new Map(),
    buffers: new Set(),
    disposed: false,
    dispose() {
      weights.disposed = true;
      for (const buffer of weights.buffers) memory.free(buffer);
      weights.buffers.clear();
      weights.loading.clear();
    },
  };
  return weights;
}

export interface WeightName {
  readonly kind: "param" | "prepared";
  readonly name: string;
  readonly type: StoredType;
}

/** A weight in device memory, read when nobody has. */
export function requireWeight(
  device: GPUDevice,
  memory: Memory,
  weights: GpuWeights,
  lowered: Lowered,
  { kind, name, type }: WeightName,
): Promise<GPUBuffer> {
  const key = `${kind} ${name} ${type.packed ?? ""}`;
  const known = weights.loading.get(key);
  if (known) return known;
  const loading = load();
  weights.loading.set(key, loading);
  // A weight that could not be read is asked for again by the next entry.
  loading.catch(() => weights.loading.delete(key));
  return loading;

  async function load(): Promise<GPUBuffer> {
    const value = await read();
    const data = type.packed ? packNibbles(value) : value.data;
    if (weights.disposed) throw new FusewireError("the weights were disposed while an entry was compiled");
    const buffer = memory.allocate(`weight ${name}`, data.byteLength);
    weights.buffers.add(buffer);
    writeBytes(device, buffer, data);
    return buffer;
  }

  async function read(): Promise<Value> {
    if (kind === "prepared") return evaluatePrepared(lowered.prepare.get(name)!, weights.source);
    const value = await weights.source(name);
    if (!sameType(value.type, type))
      throw new FusewireError(`weight '${name}' is ${formatType(value.type)}, not ${formatType(type)}`);
    return value;
  }
}
