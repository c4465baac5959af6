import {
  type CacheDType,
  type CausalModel,
  type Checkpoint,
  createModel,
  hasOwnHead,
  type ModelFiles,
  openCheckpoint,
  type RawConfig,
  rawConfig,
  readConfig,
  readQuantized,
  type StoredPart,
  type StoredWeight,
  type StoredWeights,
  storedWeights,
} from "@fusewire/models";
import type { Quantization } from "@fusewire/passes";
import {
  CACHE_DTYPES,
  type CacheDTypeName,
  choose,
  keptDType,
  type WeightDType,
  weightFormat,
} from "./dtypes.ts";
import { type ModelConfig, modelConfig } from "./model_config.ts";
import { checkGroups, checkWeights } from "./weights.ts";

/** A model read as far as its graph can be traced: configuration and the headers of its weights. */
export interface OpenModel {
  readonly config: ModelConfig;
  readonly model: CausalModel;
  readonly checkpoint: Checkpoint;
  /** How weights are kept, named as it is asked for. */
  readonly dtype: Exclude<WeightDType, "auto">;
  /** The checkpoint's tensors under the names of the graph. */
  readonly stored: StoredWeights;
  /** What the files say otherwise than one would think, and what was made of it. */
  readonly notices: readonly string[];
  /** How the checkpoint keeps each weight of the graph. */
  readonly weights: ReadonlyMap<string, StoredWeight>;
  /** What the model reads, by the names of its `param`s. */
  readonly params: ReadonlyMap<string, StoredPart>;
  readonly cacheDType: CacheDType;
  /** How weights are quantized while they are loaded. */
  readonly quantize: Quantization | undefined;
}

export interface OpenOptions {
  readonly dtype?: WeightDType | undefined;
  readonly cache_dtype?: CacheDTypeName | undefined;
  /** Whether weights may be read, to see if a head that should be tied is another one; without, it is taken for tied. */
  readonly compare_heads?: boolean;
}

/** The checkpoint, with quantized weights as the numbers that they stand for. */
async function openWeights(files: ModelFiles, config: RawConfig): Promise<Checkpoint> {
  const checkpoint = await openCheckpoint(files);
  try {
    return await readQuantized(checkpoint, config);
  } catch (error) {
    await checkpoint.close();
    throw error;
  }
}

/** Opens a model and checks its weights against its configuration, without reading any but to compare heads. */
export async function openCausalModel(
  files: ModelFiles,
  { dtype = "auto", cache_dtype = "float32", compare_heads = false }: OpenOptions = {},
): Promise<OpenModel> {
  const { stored: given, quantize } = weightFormat(dtype);
  const cacheDType = choose("cache_dtype", cache_dtype, CACHE_DTYPES);
  const config = await readConfig(files);
  let model = createModel(config);
  const checkpoint = await openWeights(files, config);
  const notices: string[] = [];
  try {
    if (compare_heads && (await hasOwnHead(checkpoint, model.keeping))) {
      model = createModel(rawConfig({ ...config.values, tie_word_embeddings: false }));
      notices.push(
        "config.json ties the output matrix to the embedding, but the checkpoint has another one (lm_head.weight), which is used",
      );
    }
    const stored = storedWeights(checkpoint, model.keeping, { dtype: given });
    const weights = checkWeights({ model, checkpoint, stored });
    const params = new Map([...weights.values()].flatMap(({ parts }) => [...parts]));
    if (quantize && typeof dtype === "object") checkGroups(params, quantize);
    return {
      config: modelConfig(config, model),
      model,
      dtype: keptDType(dtype, params),
      checkpoint,
      stored,
      notices,
      weights,
      params,
      cacheDType,
      quantize,
    };
  } catch (error) {
    await checkpoint.close();
    throw error;
  }
}
