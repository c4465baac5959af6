import { FusewireError, formatType, type Node, sameType, type Value } from "@fusewire/ir";
import {
  checkWeights,
  createPreparer,
  type Lowered,
  type WeightSource,
  type Weights,
} from "@fusewire/passes";
import { type StoredType, storedBytes } from "../wgsl/storage.ts";
import { allocatedBytes, type Memory, writeBytes } from "./memory.ts";
import { packNibbles } from "./nibbles.ts";
import { joinHalves } from "./parts.ts";

/** What of the weights is on one device. */
interface Uploads {
  readonly memory: Memory;
  /** By kind and name. */
  readonly loading: Map<string, Upload>;
}

interface Upload {
  /** A promise, so that two entries compiled at once share it. */
  readonly buffer: Promise<GPUBuffer>;
  /** Entries that asked for it and were not refused since. */
  users: number;
}

/** Makes what computes values from the weights of one model. */
export type Prepare = (source: WeightSource) => (node: Node) => Promise<Value>;

export interface GpuWeights extends Weights {
  readonly prepare: ReturnType<Prepare>;
  /** Begun anew on another device after one was lost. */
  uploads: Uploads;
  disposed: boolean;
}

const noUploads = (memory: Memory): Uploads => ({ memory, loading: new Map() });

/** `prepare` computes what the graph asks of weights; on this thread unless given. */
export function createWeights(
  source: WeightSource,
  memory: Memory,
  prepare: Prepare = createPreparer,
): GpuWeights {
  const weights: GpuWeights = {
    source,
    prepare: prepare(source),
    uploads: noUploads(memory),
    disposed: false,
    dispose() {
      weights.disposed = true;
      const { memory, loading } = weights.uploads;
      for (const upload of loading.values()) freeWhenThere(memory, upload);
      weights.uploads = noUploads(memory);
    },
  };
  return weights;
}

export interface WeightName {
  readonly kind: "param" | "prepared";
  readonly name: string;
  readonly type: StoredType;
}

const keyOf = ({ kind, name, type }: WeightName): string =>
  `${kind} ${name} ${type.packed ?? ""} ${type.halves ?? ""}`;

function uploadsOn(weights: GpuWeights, memory: Memory): Uploads {
  if (weights.uploads.memory !== memory) weights.uploads = noUploads(memory);
  return weights.uploads;
}

/** Bytes that the weights of these names will take which nobody has asked for yet. */
export const missingBytes = (weights: GpuWeights, memory: Memory, names: readonly WeightName[]): number =>
  names
    .filter((name) => !uploadsOn(weights, memory).loading.has(keyOf(name)))
    .reduce((sum, { type }) => sum + allocatedBytes(storedBytes(type)), 0);

const freeWhenThere = (memory: Memory, { buffer }: Upload): void =>
  void buffer.then(memory.free, () => undefined);

/** Takes back what an entry asked for that could not be compiled; what no other entry wants is freed. */
export function releaseWeights(weights: GpuWeights, memory: Memory, names: readonly WeightName[]): void {
  const { loading } = weights.uploads;
  for (const key of names.map(keyOf)) {
    const upload = weights.uploads.memory === memory ? loading.get(key) : undefined;
    if (!upload) continue;
    upload.users -= 1;
    if (upload.users > 0) continue;
    loading.delete(key);
    freeWhenThere(memory, upload);
  }
}

/** A weight in device memory, read when nobody has. */
export function requireWeight(
  device: GPUDevice,
  memory: Memory,
  weights: GpuWeights,
  lowered: Lowered,
  weight: WeightName,
): Promise<GPUBuffer> {
  const { kind, name, type } = weight;
  const { loading } = uploadsOn(weights, memory);
  const key = keyOf(weight);
  const known = loading.get(key);
  if (known) {
    known.users += 1;
    return known.buffer;
  }
  const buffer = load();
  loading.set(key, { buffer, users: 1 });
  // A weight that could not be read is asked for again by the next entry.
  buffer.catch(() => loading.delete(key));
  return buffer;

  async function load(): Promise<GPUBuffer> {
    const value = await read();
    const packed = type.packed ? packNibbles(value) : value.data;
    const data = type.halves ? joinHalves(packed, type.shape[0]!, type.halves) : packed;
    checkWeights(weights);
    const what = `weight ${name}`;
    const { made: buffer, checked } = memory.together(what, () => {
      const buffer = memory.allocate(what, data.byteLength);
      writeBytes(device, buffer, data);
      return buffer;
    });
    await checked;
    return buffer;
  }

  async function read(): Promise<Value> {
    if (kind === "prepared") return weights.prepare(lowered.prepare.get(name)!);
    const value = await weights.source(name);
    if (!sameType(value.type, type))
      throw new FusewireError(`weight '${name}' is ${formatType(value.type)}, not ${formatType(type)}`);
    return value;
  }
}
