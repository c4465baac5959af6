/** Gemma 2: norms before and after each half of a layer, soft caps, and a window in every other layer. */
import { sandwichBlock } from "../nn/blocks.ts";
import { decoderModel } from "../nn/decoder.ts";
import { type DecoderConfig, readWindows } from "../nn/decoder_config.ts";
import type { Family } from "./family.ts";
import { readGemmaConfig } from "./gemma.ts";

export const gemma2: Family = {
  modelType: "gemma2",
  architectures: ["Gemma2ForCausalLM"],
  create: (config) => {
    const base = readGemmaConfig(config, "hidden_activation");
    const window = config.size("sliding_window", 4096);
    const c: DecoderConfig = {
      ...base,
      attention: {
        ...base.attention,
        scale: config.positive("query_pre_attn_scalar", 256) ** -0.5,
        softcap: config.positive("attn_logit_softcapping", undefined) ?? 0,
      },
      windows: readWindows(config, base.layers, window, (layer) => layer % 2 === 0),
      scoreCap: config.positive("final_logit_softcapping", undefined) ?? 0,
    };
    return decoderModel(c, sandwichBlock(c));
  },
};
