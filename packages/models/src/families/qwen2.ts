/** Qwen2 and Qwen2.5: Llama with biases on queries, keys and values; upper layers may slide. */
import { decoderModel, readDecoderConfig, readWindows } from "../nn/decoder.ts";
import type { Family } from "./family.ts";

export const qwen2: Family = {
  modelType: "qwen2",
  architectures: ["Qwen2ForCausalLM"],
  create: (config) => {
    const c = readDecoderConfig(config);
    const slides = config.boolean("use_sliding_window", false);
    const first = config.index("max_window_layers", 28);
    const window = slides ? config.size("sliding_window", 4096) : undefined;
    return decoderModel({
      ...c,
      attention: { ...c.attention, qkvBias: true, outBias: false },
      windows: readWindows(config, c.layers, window, (layer) => layer >= first),
    });
  },
};
