import type { DType, TensorType } from "@fusewire/ir";
import {
  type CacheDType,
  type CausalModel,
  type Checkpoint,
  createModel,
  type ModelFiles,
  openCheckpoint,
  type RawConfig,
  readConfig,
} from "@fusewire/models";
import type { Quantization } from "@fusewire/passes";
import { CACHE_DTYPES, type CacheDTypeName, choose, type WeightDType, weightFormat } from "./dtypes.ts";
import { checkGroups, checkWeights } from "./weights.ts";

/** A model read as far as its graph can be traced: configuration and the headers of its weights. */
export interface OpenModel {
  readonly config: RawConfig;
  readonly model: CausalModel;
  readonly checkpoint: Checkpoint;
  /** The weights that the model reads. */
  readonly params: ReadonlyMap<string, TensorType>;
  /** The dtype in which the graph reads a weight. */
  readonly storage: (name: string) => DType;
  readonly cacheDType: CacheDType;
  /** How weights are quantized while they are loaded. */
  readonly quantize: Quantization | undefined;
}

export interface OpenOptions {
  readonly dtype?: WeightDType | undefined;
  readonly cache_dtype?: CacheDTypeName | undefined;
}

/** Opens a model and checks its weights against its configuration, without reading any. */
export async function openCausalModel(
  files: ModelFiles,
  { dtype = "auto", cache_dtype = "float32" }: OpenOptions = {},
): Promise<OpenModel> {
  const { stored, quantize } = weightFormat(dtype);
  const cacheDType = choose("cache_dtype", cache_dtype, CACHE_DTYPES);
  const config = await readConfig(files);
  const model = createModel(config);
  const checkpoint = await openCheckpoint(files);
  const storage = (name: string): DType => stored ?? checkpoint.type(name)?.dtype ?? "f32";
  try {
    const params = checkWeights({ model, storage, checkpoint });
    if (quantize && typeof dtype === "object") checkGroups(params, quantize);
    return { config, model, checkpoint, params, storage, cacheDType, quantize };
  } catch (error) {
    await checkpoint.close();
    throw error;
  }
}
