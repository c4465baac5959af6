/** Granite 3: Llama with multipliers of embeddings, attention, halves and scores. */
import type { RawConfig } from "../config/index.ts";
import { decoderModel } from "../nn/decoder.ts";
import { type DecoderConfig, readDecoderConfig } from "../nn/decoder_config.ts";
import type { Family } from "./family.ts";

export const granite: Family = {
  modelType: "granite",
  architectures: ["GraniteForCausalLM"],
  create: (config) => decoderModel(withMultipliers(config, readDecoderConfig(config))),
};

/** The multipliers that config.json gives; without them all are 1, that of attention too. */
export const withMultipliers = (config: RawConfig, c: DecoderConfig): DecoderConfig => ({
  ...c,
  attention: { ...c.attention, scale: config.positive("attention_multiplier", 1) },
  embeddingScale: config.positive("embedding_multiplier", 1),
  residualScale: config.positive("residual_multiplier", 1),
  scoreScale: 1 / config.positive("logits_scaling", 1),
});
