/** Gemma 1: scaled embeddings, norms that multiply by 1 + weight, a tanh GELU in the gate, a tied head. */

import type { RawConfig } from "../config/index.ts";
import { decoderModel } from "../nn/decoder.ts";
import { type DecoderConfig, readActivation, readDecoderConfig } from "../nn/decoder_config.ts";
import type { Family } from "./family.ts";

export const gemma: Family = {
  modelType: "gemma",
  architectures: ["GemmaForCausalLM"],
  create: (config) => decoderModel(readGemmaConfig(config, "hidden_act")),
};

/** What both generations of Gemma share. transformers reads the activation of Gemma 1 from another key than of Gemma 2. */
export function readGemmaConfig(
  config: RawConfig,
  activationKey: "hidden_act" | "hidden_activation",
): DecoderConfig {
  // The first files of Gemma 1 say "gelu" and mean the tanh form.
  const meant = config.values[activationKey] === "gelu" && activationKey === "hidden_act";
  const activation = meant ? "gelu_tanh" : readActivation(config, activationKey, "gelu_pytorch_tanh");
  const c = readDecoderConfig(config, { activation });
  return {
    ...c,
    tied: config.boolean("tie_word_embeddings", true),
    norm: { kind: "rms", eps: c.norm.eps, offset: 1 },
    embeddingScale: Math.fround(Math.sqrt(c.width)),
  };
}
