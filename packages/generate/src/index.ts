export type { AttentionImplementation } from "./attention/choose.ts";
export {
  SDPBackend,
  type SdpaKernelOptions,
  type SdpKernelOptions,
  sdp_kernel,
  sdpa_kernel,
} from "./attention/scope.ts";
export type { CacheImplementationName } from "./cache/implementation.ts";
export {
  Cache,
  type CacheOptions,
  DynamicCache,
  QuantizedCache,
  SlidingWindowCache,
  StaticCache,
  type StaticCacheOptions,
} from "./cache/index.ts";
export { ngramLookup, type PromptLookupOptions, promptLookup } from "./candidates/prompt_lookup.ts";
export { verifyLength } from "./candidates/verify_length.ts";
export {
  CACHE_COMPAT,
  type CompatArgument,
  FROM_PRETRAINED_COMPAT,
  GENERATE_COMPAT,
  isAccepted,
} from "./compat.ts";
export { compile } from "./compile/compile.ts";
export type { CompileOptions } from "./compile/settings.ts";
export { type CompileStats, compileStats, failOnRecompile } from "./compile/stats.ts";
export type { CacheDTypeName, QuantizedDType, WeightDType, WeightDTypeName } from "./dtypes.ts";
export { openSourceElsewhere } from "./elsewhere.ts";
export { acceptByRatio } from "./entries/accept.ts";
export { type EntryKey, entryName, traceEntry } from "./entries/index.ts";
export { FORWARD_OPTIONS, type ForwardOptions, type ForwardResult } from "./forward.ts";
export type { ForwardInputs } from "./forward_inputs.ts";
export type { GenerateInputs } from "./generate.ts";
export { type CausalLM, type LoadOptions, loadCausalLM } from "./load.ts";
export {
  estimateMemory,
  type MemoryEstimate,
  type MemorySizes,
  type MemorySource,
  memorySource,
  readMemorySource,
  withDType,
} from "./memory/index.ts";
export type { ModelConfig } from "./model_config.ts";
export { type OpenModel, openCausalModel } from "./open_model.ts";
export {
  type AssistantModel,
  type GenerationConfig,
  type GenerationOptions,
  idleOptions,
  OPTIONS,
  type OptionKind,
} from "./options/index.ts";
export { eosBucket, rowSeed } from "./plan.ts";
export type { LogitsProcessor, PrefixAllowedTokens } from "./processors/host.ts";
export { PROCESSORS } from "./processors/index.ts";
export type { EncodeContext, Encoded, Processor, ScoreContext } from "./processors/processor.ts";
export type { WatermarkingConfig } from "./processors/watermark.ts";
export type { AllScores, GenerationResult } from "./result.ts";
export type { ModelInputs } from "./rows.ts";
export type { Runtime } from "./runtime.ts";
export { compute_transition_scores } from "./scores/transition_scores.ts";
export {
  type EncodedSelection,
  type Selection,
  select,
  selectionFor,
  standardSelection,
} from "./selection.ts";
export type { RowChoice } from "./slots/row_choice.ts";
export { openSlots, type SlotRow, type SlotStep, type Slots, type SlotsOptions } from "./slots/slots.ts";
export type { Compilation, GenerationStats, Round } from "./stats.ts";
export type { GenerationStep, StepScores } from "./step.ts";
export type { StoppingCriterion } from "./stopping/criteria.ts";
export type { FinishReason } from "./stopping/finish_reason.ts";
export type { Streamer } from "./streamer.ts";
export type { LoadProgress } from "./weights.ts";
