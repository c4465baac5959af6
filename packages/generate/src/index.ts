export { type PromptLookupOptions, promptLookup } from "./candidates/prompt_lookup.ts";
export { type CompatArgument, FROM_PRETRAINED_COMPAT, GENERATE_COMPAT, isAccepted } from "./compat.ts";
export { compile } from "./compile/compile.ts";
export type { CompileOptions } from "./compile/settings.ts";
export { type EntryKey, entryName, traceEntry } from "./entries/index.ts";
export {
  type AttentionImplementation,
  type CacheDTypeName,
  type CausalLM,
  type LoadOptions,
  loadCausalLM,
  type OpenModel,
  openCausalModel,
  type WeightDType,
} from "./load.ts";
export { type GenerationOptions, OPTIONS, type OptionKind } from "./options/index.ts";
export { eosBucket } from "./plan.ts";
export { PROCESSORS } from "./processors/index.ts";
export type { EncodeContext, Encoded, Processor, ScoreContext } from "./processors/processor.ts";
export type { GenerationResult } from "./result.ts";
export type { ModelInputs } from "./rows.ts";
export type { Runtime } from "./runtime.ts";
export {
  type EncodedSelection,
  type Selection,
  select,
  selectionFor,
  standardSelection,
} from "./selection.ts";
export type { Compilation, GenerationStats, Round } from "./stats.ts";
export type { GenerationStep } from "./step.ts";
export type { LoadProgress } from "./weights.ts";
