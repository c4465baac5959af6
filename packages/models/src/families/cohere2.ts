/** Cohere 2 (Command R7B): halves side by side after one layer norm; only layers that slide know positions. */
import { parallelBlock } from "../nn/blocks.ts";
import { decoderModel } from "../nn/decoder.ts";
import { type DecoderConfig, readDecoderConfig, readWindows } from "../nn/decoder_config.ts";
import type { Family } from "./family.ts";

export const cohere2: Family = {
  modelType: "cohere2",
  architectures: ["Cohere2ForCausalLM"],
  create: (config) => {
    const pattern = config.size("sliding_window_pattern", 4);
    const windows = readWindows(
      config,
      config.size("num_hidden_layers"),
      config.size("sliding_window", 4096),
      (layer) => (layer + 1) % pattern !== 0,
    );
    const c: DecoderConfig = {
      ...readDecoderConfig(config, {
        tied: true,
        interleaved: true,
        without: (layer) => windows[layer] === undefined,
      }),
      windows,
      norm: { kind: "layer", eps: config.positive("layer_norm_eps", 1e-5), bias: false },
      scoreScale: config.positive("logit_scale", 0.0625),
    };
    return decoderModel(c, parallelBlock(c));
  },
};
