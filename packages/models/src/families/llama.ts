/** Llama 1 to 3, and what copies them exactly (SmolLM2, TinyLlama …). */
import { decoderModel, readDecoderConfig } from "../nn/decoder.ts";
import type { Family } from "./family.ts";

export const llama: Family = {
  modelType: "llama",
  architectures: ["LlamaForCausalLM"],
  create: (config) => decoderModel(readDecoderConfig(config)),
};
