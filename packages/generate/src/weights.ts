import {
  castValue,
  type DType,
  FusewireError,
  formatType,
  isFloat,
  NodeTable,
  paramsOf,
  type Shape,
  sameShape,
  sizeOf,
  type TensorType,
} from "@fusewire/ir";
import { type CausalModel, type Checkpoint, HEAD, type StoredWeights } from "@fusewire/models";
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
  /** The dtype in which the graph reads a weight. */
  readonly storage: (name: string) => DType;
}

/** How far loading is, after a weight has been read. */
export interface LoadProgress {
  readonly weight: string;
  /** Parameters read so far, and in all. */
  readonly loaded: number;
  readonly total: number;
}

/** Tensors that Hugging Face writes, or once wrote, beside the weights: computed here. */
const BUFFERS = /(^|\.)(rotary_emb\.(inv_freq|cos_cached|sin_cached)|masked_bias|attn\.bias|position_ids)$/;
/** Indices and masks: no weight of a model of floats is stored so. */
const NO_WEIGHTS = ["I64", "BOOL"];

/** The weights that the model reads, by name, found by tracing one step of it. */
function modelParams({ model, storage }: ModelWeights): Map<string, TensorType> {
  const selection = standardSelection(false);
  const sizes = { batch: 1, rows: 1, capacity: 1 };
  const key = { kind: "decode", ...sizes, selection, eosCount: 1 } as const;
  return paramsOf(traceEntry(key, { model, storage, longestStep: 1, cacheDType: "f32" }, new NodeTable()));
}

/** Compares the weights that the model will read, which it returns, with those in the checkpoint, before any is read. */
export function checkWeights(weights: ModelWeights): ReadonlyMap<string, TensorType> {
  const { checkpoint, stored, model } = weights;
  const wanted = modelParams(weights);
  const found = [...wanted].map(([name, { shape }]) => ({ name, shape, place: stored.find(name) }));
  const missing = found.filter(({ place }) => !place);
  if (missing.length > 0) {
    const [first] = missing;
    throw new FusewireError(
      `the checkpoint lacks weights that config.json asks for: ${list(missing)} (looked for ${stored.lookedFor(first!.name).join(", ")}); download it again, or correct config.json`,
    );
  }
  for (const { name, shape, place } of found) {
    const { type, tensor } = place!;
    const what = tensor === name ? `weight '${name}'` : `weight '${name}' (stored as '${tensor}')`;
    if (!isFloat(type.dtype))
      throw new FusewireError(
        `${what} is stored as ${type.dtype}; quantized checkpoints are not supported yet`,
      );
    if (!sameShape(type.shape, shape))
      throw new FusewireError(
        `${what} is ${formatType(type)}, but config.json makes it [${shape.join(",")}]; one of the two files is not of this model`,
      );
  }
  const read = new Set(found.map(({ place }) => place!.tensor));
  // A tied head is often saved all the same.
  if (model.tied !== undefined) for (const name of stored.lookedFor(HEAD)) read.add(name);
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
  return wanted;
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

/** Reads weights one at a time in the dtype that the graph declares, refusing what is not finite. */
export function weightSource(
  {
    stored,
    storage,
    params,
  }: Pick<ModelWeights, "stored" | "storage"> & {
    /** What will be read; see `checkWeights`. */
    readonly params: ReadonlyMap<string, TensorType>;
  },
  onProgress?: (progress: LoadProgress) => void,
): WeightSource {
  const sizes = new Map([...params].map(([name, { shape }]) => [name, sizeOf(shape)]));
  const total = [...sizes.values()].reduce((sum, size) => sum + size, 0);
  const read = new Set<string>();
  let loaded = 0;
  return async (name) => {
    const value = await stored.read(name);
    checkFinite(name, value);
    if (!read.has(name)) {
      read.add(name);
      loaded += sizes.get(name) ?? 0;
      onProgress?.({ weight: name, loaded, total });
    }
    return castValue(value, storage(name));
  };
}
