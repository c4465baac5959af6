export { type Checkpoint, encodeSafetensors, openCheckpoint } from "./checkpoint/index.ts";
export {
  GENERATION_SETTINGS,
  type GenerationDefaults,
  type RawConfig,
  type RopeParameters,
  type RotaryFrequencies,
  rawConfig,
  readConfig,
  readGenerationConfig,
  rotaryFrequencies,
  type TokenIds,
} from "./config/index.ts";
export type { Family } from "./families/family.ts";
export { createModel, FAMILIES } from "./families/index.ts";
export {
  type ByteSource,
  type FetchFilesOptions,
  type FileProgress,
  fetchFiles,
  isJsonObject,
  type JsonObject,
  type JsonValue,
  type ModelFiles,
  memoryFiles,
  readJson,
  readText,
} from "./files/index.ts";
export { ggufFiles } from "./gguf/index.ts";
export {
  DEFAULT_ENDPOINT,
  HUB_OPTIONS,
  type HubOptions,
  type HubProgress,
  isRepoId,
  openRemoteModel,
} from "./hub/index.ts";
export { deleteKeptModel, type KeptModel, listKeptModels } from "./kept/index.ts";
export type { CausalModel } from "./nn/causal_model.ts";
export type { LayerContext } from "./nn/context.ts";
export { type CacheDType, type CacheShape, type Step, stepAt } from "./nn/step.ts";
export { readQuantized } from "./quantized/index.ts";
export {
  HEAD,
  hasOwnHead,
  type Keeping,
  type StoredPart,
  type StoredWeight,
  type StoredWeights,
  storedWeights,
  type WeightNodes,
} from "./stored/index.ts";
export {
  type ApplyChatTemplate,
  type ChatMessage,
  type ChatOptions,
  type ChatTemplates,
  createTextStream,
  type DecodeOptions,
  type EncodeOptions,
  type Encoding,
  loadTokenizer,
  type Offset,
  type PadOptions,
  type RowsToPad,
  type Side,
  type TextStream,
  type TextStreamOptions,
  TOKENIZER_OPTIONS,
  type Tokenizer,
  type TokenizerOptions,
} from "./tokenizer/index.ts";
