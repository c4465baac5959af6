import {
  bytesOf,
  FusewireError,
  formatType,
  isFloat,
  isLeaf,
  type Node,
  sameType,
  type Value,
} from "@fusewire/ir";
import {
  checkWeights,
  evaluatePrepared,
  type Held,
  type Lowered,
  type WeightSource,
  type Weights,
} from "@fusewire/passes";
import * as tf from "@tensorflow/tfjs-core";
import type { Device } from "./backend.ts";
import type { WeightRead, WeightUse } from "./plan.ts";
import type { Resident } from "./slot.ts";
import { tensorBytes, upload } from "./transfer.ts";

/** A weight that has been read: floats are in tfjs, integers on the host. */
export interface Leaf {
  readonly resident?: Resident;
  readonly value?: Value;
  /** How the executables compiled so far read it. */
  readonly uses: Set<WeightUse>;
}

export interface EagerWeights extends Weights {
  /** By kind and name; a promise, so that two executables compiled at once share one upload. */
  readonly loading: Map<string, Promise<Leaf>>;
  readonly leaves: Set<Leaf>;
  disposed: boolean;
}

export function createWeights(
  source: WeightSource,
  onDispose: (weights: EagerWeights) => void,
): EagerWeights {
  const weights: EagerWeights = {
    source,
    loading: new Map(),
    leaves: new Set(),
    disposed: false,
    dispose() {
      weights.disposed = true;
      for (const { resident } of weights.leaves) resident?.tensor.dispose();
      weights.leaves.clear();
      weights.loading.clear();
      onDispose(weights);
    },
  };
  return weights;
}

/** Reads a weight when nobody has, and keeps it in the layout that all who read it agree with. */
export async function requireWeight(
  device: Device,
  weights: EagerWeights,
  lowered: Lowered,
  { leaf: node, uses }: WeightRead,
): Promise<Leaf> {
  const key = `${node.op} ${isLeaf(node, "param") || isLeaf(node, "prepared") ? node.attrs.name : ""}`;
  let loading = weights.loading.get(key);
  if (!loading) {
    loading = load(device, weights, lowered, node);
    weights.loading.set(key, loading);
    // A weight that could not be read is asked for again by the next executable.
    loading.catch(() => weights.loading.delete(key));
  }
  const leaf = await loading;
  for (const use of uses) leaf.uses.add(use);
  const { resident } = leaf;
  if (resident) device.use(() => layOut(resident, leaf.uses));
  return leaf;
}

async function load(device: Device, weights: EagerWeights, lowered: Lowered, node: Node): Promise<Leaf> {
  const value = await read(weights, lowered, node);
  checkWeights(weights);
  const leaf: Leaf = isFloat(value.type.dtype)
    ? { resident: { tensor: device.use(() => upload(value)), transposed: false }, uses: new Set() }
    : { value, uses: new Set() };
  weights.leaves.add(leaf);
  return leaf;
}

async function read({ source }: EagerWeights, lowered: Lowered, node: Node): Promise<Value> {
  if (isLeaf(node, "prepared")) return evaluatePrepared(lowered.prepare.get(node.attrs.name)!, source);
  if (!isLeaf(node, "param")) throw new Error(`${node.op} is not a weight`);
  const { name } = node.attrs;
  const value = await source(name);
  if (!sameType(value.type, node.type))
    throw new FusewireError(`weight '${name}' is ${formatType(value.type)}, not ${formatType(node.type)}`);
  return value;
}

/**
 * The wasm backend multiplies by a transposed matrix outside XNNPACK: 0.8 ms instead of 0.17 for
 * 1x576 · (1536x576)ᵀ, 44 instead of 3.7 for an output layer of 49152 rows. So a matrix that products read
 * transposed is kept transposed, and gathers pick columns of it, which costs them nothing.
 */
function layOut(resident: Resident, uses: ReadonlySet<WeightUse>): void {
  const transposed = tf.getBackend() === "wasm" && uses.has("product") && !uses.has("other");
  if (transposed === resident.transposed) return;
  const before = resident.tensor;
  resident.tensor = tf.keep(tf.transpose(before));
  resident.transposed = transposed;
  before.dispose();
}

export function heldByWeights({ leaves }: EagerWeights): Held {
  const bytes = [...leaves].map(({ resident, value }) =>
    resident ? tensorBytes(resident.tensor) : bytesOf(value!.type),
  );
  return { bytes: bytes.reduce((sum, n) => sum + n, 0), tensors: leaves.size };
}
