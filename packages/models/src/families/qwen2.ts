/** Qwen2 and Qwen2.5: Llama with biases on queries, keys and values; upper layers may slide. */
import type { RawConfig } from "../config/index.ts";
import { decoderModel } from "../nn/decoder.ts";
import { readDecoderConfig, readWindows } from "../nn/decoder_config.ts";
import type { Family } from "./family.ts";

export const qwen2: Family = {
  modelType: "qwen2",
  architectures: ["Qwen2ForCausalLM"],
  create: (config) => {
    const c = readDecoderConfig(config);
    return decoderModel({
      ...c,
      attention: { ...c.attention, qkvBias: true, outBias: false },
      windows: readQwenWindows(config, c.layers),
    });
  },
};

/** Windows of the upper layers, where they slide. */
export function readQwenWindows(config: RawConfig, layers: number): (number | undefined)[] {
  const slides = config.boolean("use_sliding_window", false);
  const first = config.index("max_window_layers", 28);
  const window = slides ? config.size("sliding_window", 4096) : undefined;
  return readWindows(config, layers, window, (layer) => layer >= first);
}
