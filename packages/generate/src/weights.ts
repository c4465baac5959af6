import {
  castValue,
  type DType,
  FusewireError,
  formatType,
  isFloat,
  NodeTable,
  paramsOf,
  sameShape,
  sizeOf,
  type TensorType,
} from "@fusewire/ir";
import type { CausalModel, Checkpoint } from "@fusewire/models";
import type { Quantization, WeightSource } from "@fusewire/passes";
import { checkFinite } from "./check_finite.ts";
import { traceEntry } from "./entries/index.ts";
import { standardSelection } from "./selection.ts";

/** A model and the checkpoint that is to fill it. */
interface ModelWeights {
  readonly model: CausalModel;
  readonly checkpoint: Checkpoint;
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
const BUFFERS = [/\.rotary_emb\.inv_freq$/, /\.masked_bias$/, /\.attn\.bias$/];

/** The weights that the model reads, by name, found by tracing one step of it. */
function modelParams({ model, storage }: ModelWeights): Map<string, TensorType> {
  const selection = standardSelection(false);
  const sizes = { batch: 1, rows: 1, capacity: 1 };
  const key = { kind: "decode", ...sizes, selection, eosCount: 1 } as const;
  return paramsOf(traceEntry(key, { model, storage, longestStep: 1, cacheDType: "f32" }, new NodeTable()));
}

/** Compares the weights that the model will read, which it returns, with those in the checkpoint, before any is read. */
export function checkWeights(weights: ModelWeights): ReadonlyMap<string, TensorType> {
  const { checkpoint } = weights;
  const wanted = modelParams(weights);
  const missing = [...wanted].filter(([name]) => !checkpoint.type(name));
  if (missing.length > 0)
    throw new FusewireError(
      `the checkpoint lacks weights that config.json asks for: ${list(missing)}; download it again, or correct config.json`,
    );
  for (const [name, { shape }] of wanted) {
    const found = checkpoint.type(name)!;
    if (!isFloat(found.dtype))
      throw new FusewireError(
        `weight '${name}' is stored as ${found.dtype}; quantized checkpoints are not supported yet`,
      );
    if (!sameShape(found.shape, shape))
      throw new FusewireError(
        `weight '${name}' is ${formatType(found)}, but config.json makes it [${shape.join(",")}]; one of the two files is not of this model`,
      );
  }
  // A tied head is often saved all the same.
  const ignored = (name: string) =>
    name === "lm_head.weight" || BUFFERS.some((pattern) => pattern.test(name));
  const extra = checkpoint
    .names()
    .filter((name) => !wanted.has(name) && !ignored(name))
    .map((name) => [name, checkpoint.type(name)!] as const);
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
  const uneven = [...params].filter(([, { shape }]) => shape.length === 2 && shape[1]! % step !== 0);
  if (uneven.length > 0)
    throw new FusewireError(
      `groups of ${step} do not divide the rows of ${list(uneven)}; choose another group or dtype`,
    );
}

function list(weights: readonly (readonly [string, TensorType])[]): string {
  const shown = weights.slice(0, 5).map(([name, { shape }]) => `${name} [${shape.join(",")}]`);
  return weights.length > 5 ? `${shown.join(", ")} and ${weights.length - 5} more` : shown.join(", ");
}

/** Reads weights one at a time in the dtype that the graph declares, refusing what is not finite. */
export function weightSource(
  {
    checkpoint,
    storage,
    params,
  }: Pick<ModelWeights, "checkpoint" | "storage"> & {
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
    const value = await checkpoint.read(name);
    checkFinite(name, value);
    if (!read.has(name)) {
      read.add(name);
      loaded += sizes.get(name) ?? 0;
      onProgress?.({ weight: name, loaded, total });
    }
    return castValue(value, storage(name));
  };
}
