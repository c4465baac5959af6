import {
  castValue,
  FusewireError,
  formatType,
  isFloat,
  NodeTable,
  type Shape,
  sameShape,
  sizeOf,
  type TensorType,
} from "@fusewire/ir";
import {
  type CausalModel,
  type Checkpoint,
  HEAD,
  type StoredPart,
  type StoredWeight,
  type StoredWeights,
  type WeightNodes,
} from "@fusewire/models";
import type { Quantization, WeightSource } from "@fusewire/passes";
import { checkFinite } from "./check_finite.ts";
import { traceEntry } from "./entries/index.ts";
import { standardSelection } from "./selection.ts";

/** A model and the checkpoint that is to fill it. */
interface ModelWeights {
  readonly model: CausalModel;
  readonly checkpoint: Checkpoint;
  /** The checkpoint's tensors under the names of the graph. */
  readonly stored: StoredWeights;
}

/** How far loading is, after a weight has been read. */
export interface LoadProgress {
  readonly weight: string;
  /** Parameters read so far, and in all. */
  readonly loaded: number;
  readonly total: number;
}

/** Tensors that Hugging Face writes, or once wrote, beside the weights: computed here. */
const BUFFERS =
  /(^|\.)(rotary_emb\.(inv_freq|cos_cached|sin_cached)|(attn|attention)\.(masked_bias|bias)|masked_bias|position_ids)$/;
/** Indices and masks: no weight of a model of floats is stored so. */
const NO_WEIGHTS = ["I64", "BOOL"];

/** Shapes of the weights that the model reads, by their names in the graph, found by tracing one step of it. */
export function wantedWeights(model: CausalModel): ReadonlyMap<string, Shape> {
  const wanted = new Map<string, Shape>();
  const stored: WeightNodes = {
    node(tracer, name, shape) {
      wanted.set(name, shape);
      return tracer.param(name, { dtype: "f32", shape });
    },
  };
  const selection = standardSelection(false);
  const sizes = { batch: 1, rows: 1, capacity: 1 };
  const key = { kind: "decode", ...sizes, selection, eosCount: 1 } as const;
  traceEntry(key, { model, stored, longestStep: 1, cacheDType: "f32" }, new NodeTable());
  return wanted;
}

/** Compares the weights that the model asks for with those in the checkpoint, before any is read; gives how each is kept. */
export function checkWeights({ model, checkpoint, stored }: ModelWeights): ReadonlyMap<string, StoredWeight> {
  const wanted = [...wantedWeights(model)].map(([name, shape]) => ({
    name,
    shape,
    place: stored.find(name),
  }));
  const missing = wanted.filter(({ place }) => !place);
  if (missing.length > 0) {
    const [first] = missing;
    throw new FusewireError(
      `the checkpoint lacks weights that config.json asks for: ${list(missing)} (looked for ${stored.lookedFor(first!.name).join(", ")}); download it again, or correct config.json`,
    );
  }
  const found = wanted.flatMap(({ name, shape, place }) => (place ? [{ name, shape, place }] : []));
  for (const { name, shape, place } of found) checkWeight(checkpoint, name, shape, place);
  const read = new Set(found.flatMap(({ place }) => place.tensors));
  // A tied head is often saved all the same.
  if (model.keeping.tied !== undefined) for (const name of stored.lookedFor(HEAD)) read.add(name);
  const extra = checkpoint
    .names()
    .filter((name) => !read.has(name) && !BUFFERS.test(name))
    .flatMap((name) => {
      const entry = checkpoint.entry(name);
      return entry && !NO_WEIGHTS.includes(entry.storedDtype) ? [{ name, shape: entry.shape }] : [];
    });
  if (extra.length > 0)
    throw new FusewireError(
      `the checkpoint has weights that config.json has no place for: ${list(extra)}; correct config.json, or use the checkpoint it belongs to`,
    );
  return new Map(found.map(({ name, place }) => [name, place]));
}

function checkWeight(checkpoint: Checkpoint, name: string, shape: Shape, place: StoredWeight): void {
  const [tensor = name] = place.tensors;
  const what = tensor === name ? `weight '${name}'` : `weight '${name}' (stored as '${tensor}')`;
  const type = place.value && checkpoint.type(tensor);
  if (type && !isFloat(type.dtype))
    throw new FusewireError(
      `${what} is stored as ${type.dtype}; quantized checkpoints are not supported yet`,
    );
  const kept = type && place.form === "plain" ? formatType(type) : `[${place.shape.join(",")}]`;
  if (!sameShape(place.shape, shape))
    throw new FusewireError(
      `${what} is ${kept}, but config.json makes it [${shape.join(",")}]; one of the two files is not of this model`,
    );
}

/** Throws where groups that were asked for do not divide the rows of a matrix, which would stay as it is stored. */
export function checkGroups(params: ReadonlyMap<string, TensorType>, { group }: Quantization): void {
  // Kernels take integers by eights.
  const step = group === "row" ? 8 : group;
  const uneven = [...params]
    .map(([name, { shape }]) => ({ name, shape }))
    .filter(({ shape }) => shape.length === 2 && shape[1]! % step !== 0);
  if (uneven.length > 0)
    throw new FusewireError(
      `groups of ${step} do not divide the rows of ${list(uneven)}; choose another group or dtype`,
    );
}

function list(weights: readonly { readonly name: string; readonly shape: Shape }[]): string {
  const shown = weights.slice(0, 5).map(({ name, shape }) => `${name} [${shape.join(",")}]`);
  return weights.length > 5 ? `${shown.join(", ")} and ${weights.length - 5} more` : shown.join(", ");
}

/** Counts the params that have been read, in whichever thread, and tells how far loading is. */
export function countProgress(
  params: ReadonlyMap<string, StoredPart>,
  onProgress: ((progress: LoadProgress) => void) | undefined,
): (name: string) => void {
  const total = [...params.values()].reduce((sum, { shape }) => sum + sizeOf(shape), 0);
  const read = new Set<string>();
  let loaded = 0;
  return (weight) => {
    const part = params.get(weight);
    if (!part || read.has(weight)) return;
    read.add(weight);
    loaded += sizeOf(part.shape);
    onProgress?.({ weight, loaded, total });
  };
}

/** Reads params one at a time in the dtype that the graph declares, refusing what is not finite. */
export const weightSource =
  (params: ReadonlyMap<string, StoredPart>, onRead?: (name: string) => void): WeightSource =>
  async (name) => {
    const part = params.get(name);
    if (!part) throw new FusewireError(`the model reads no weight '${name}'`);
    const value = await part.read();
    checkFinite(name, value);
    onRead?.(name);
    return castValue(value, part.dtype);
  };
