/** Gemma 2: norms before and after each half of a layer, soft caps, and a window in every other layer. */
import { add } from "@fusewire/ir";
import { selfAttention } from "../nn/attention.ts";
import { attentionOf, type Block, type DecoderConfig, decoderModel, readWindows } from "../nn/decoder.ts";
import { rmsNorm } from "../nn/layers.ts";
import { gatedMlp } from "../nn/mlp.ts";
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

/** x + norm(attention(norm(x))), then + norm(mlp(norm(…))). */
const sandwichBlock =
  (c: DecoderConfig): Block =>
  (layer, index, x, step, angles) => {
    const norm = (name: string, y: typeof x) => rmsNorm(layer, name, y, c.eps, c.normOffset);
    const attended = selfAttention(
      layer,
      index,
      norm("input_layernorm", x),
      step,
      angles,
      attentionOf(c, index),
    );
    const h = add(x, norm("post_attention_layernorm", attended));
    const inner = gatedMlp(layer, norm("pre_feedforward_layernorm", h), c.mlp);
    return add(h, norm("post_feedforward_layernorm", inner));
  };
