/** EXAONE 4: norms after each half, norms of queries and keys; where windows slide, only layers that slide know positions. */
import { postNormBlock } from "../nn/blocks.ts";
import { decoderModel } from "../nn/decoder.ts";
import { readDecoderConfig, readWindows } from "../nn/decoder_config.ts";
import type { Family } from "./family.ts";

export const exaone4: Family = {
  modelType: "exaone4",
  architectures: ["Exaone4ForCausalLM"],
  create: (config) => {
    const layers = config.size("num_hidden_layers");
    const window = config.has("sliding_window") ? config.size("sliding_window") : undefined;
    const pattern = config.values.sliding_window_pattern ?? 4;
    const slides = (layer: number) =>
      typeof pattern === "string"
        ? pattern[layer % pattern.length] === "L"
        : (layer + 1) % Number(pattern) !== 0;
    const windows = readWindows(config, layers, window, slides);
    const without = (layer: number) => window !== undefined && windows[layer] === undefined;
    const base = readDecoderConfig(config, { eps: 1e-5, without });
    const attention = { ...base.attention, qkvBias: false, outBias: false };
    const c = {
      ...base,
      windows,
      attention: { ...attention, qkNorm: { norm: base.norm, over: "head" as const } },
    };
    return decoderModel(c, postNormBlock(c));
  },
};
