export type {
  AttentionImplementation,
  CausalLM,
  CompileOptions,
  CompileStats,
  GenerationOptions,
  GenerationResult,
  GenerationStats,
  GenerationStep,
  ModelInputs,
} from "@fusewire/generate";
export {
  compile,
  compileStats,
  failOnRecompile,
  SDPBackend,
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
export { streamText } from "./stream_text.ts";
