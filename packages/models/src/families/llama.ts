/** Llama 1 to 3, and what copies them exactly (SmolLM2, TinyLlama …). */
import { decoderModel } from "../nn/decoder.ts";
import { readDecoderConfig } from "../nn/decoder_config.ts";
import type { Family } from "./family.ts";

export const llama: Family = {
  modelType: "llama",
  architectures: ["LlamaForCausalLM"],
  create: (config) => decoderModel(readDecoderConfig(config)),
};
