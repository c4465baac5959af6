/** Gemma 1: scaled embeddings, norms that multiply by 1 + weight, a tanh GELU in the gate, a tied head. */

import type { RawConfig } from "../config/index.ts";
import { type DecoderConfig, decoderModel, readActivation, readDecoderConfig } from "../nn/decoder.ts";
import type { Family } from "./family.ts";

export const gemma: Family = {
  modelType: "gemma",
  architectures: ["GemmaForCausalLM"],
  create: (config) => decoderModel(readGemmaConfig(config)),
};

/** What both generations of Gemma share. */
export function readGemmaConfig(config: RawConfig): DecoderConfig {
  const c = readDecoderConfig(config);
  // The first files say hidden_act "gelu" and mean the tanh form, which hidden_activation then spelled out.
  const activation = readActivation(config, "hidden_activation", "gelu_pytorch_tanh");
  return {
    ...c,
    tied: config.boolean("tie_word_embeddings", true),
    mlp: { ...c.mlp, activation },
    normOffset: 1,
    embeddingScale: Math.fround(Math.sqrt(c.width)),
  };
}
