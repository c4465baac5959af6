export type {
  AttentionImplementation,
  CacheOptions,
  CausalLM,
  CompileOptions,
  CompileStats,
  ForwardInputs,
  ForwardOptions,
  GenerateInputs,
  GenerationOptions,
  GenerationResult,
  GenerationStats,
  GenerationStep,
  LogitsProcessor,
  ModelInputs,
  PrefixAllowedTokens,
  StaticCacheOptions,
  StoppingCriterion,
  Streamer,
} from "@fusewire/generate";
export {
  Cache,
  compile,
  compileStats,
  compute_transition_scores,
  DynamicCache,
  failOnRecompile,
  QuantizedCache,
  SDPBackend,
  SlidingWindowCache,
  StaticCache,
  sdp_kernel,
  sdpa_kernel,
} from "@fusewire/generate";
export { FusewireError } from "@fusewire/ir";
export {
  type FetchFilesOptions,
  fetchFiles,
  type ModelFiles,
  memoryFiles,
  type Tokenizer,
} from "@fusewire/models";
export {
  AutoModelForCausalLM,
  AutoTokenizer,
  type FromPretrainedOptions,
  type PretrainedModel,
} from "./auto.ts";
export { DEVICES } from "./devices.ts";
export { streamText, type TextGeneration } from "./stream_text.ts";
export { TextIteratorStreamer, TextStreamer, type TextStreamerOptions } from "./text_streamer.ts";
