/** Mistral 7B: Llama with a sliding window in every layer, or in none (v0.2 and later). */
import { decoderModel } from "../nn/decoder.ts";
import { readDecoderConfig, readWindows } from "../nn/decoder_config.ts";
import type { Family } from "./family.ts";

export const mistral: Family = {
  modelType: "mistral",
  architectures: ["MistralForCausalLM"],
  create: (config) => {
    const c = readDecoderConfig(config);
    const windows = readWindows(config, c.layers, config.size("sliding_window", undefined), () => true);
    return decoderModel({ ...c, windows });
  },
};
