/** OLMo 2 and 3: norms after each half, and of queries and keys over all heads; in OLMo 3 three of four layers slide. */
import type { RawConfig } from "../config/index.ts";
import { postNormBlock } from "../nn/blocks.ts";
import type { CausalModel } from "../nn/causal_model.ts";
import { decoderModel } from "../nn/decoder.ts";
import { readDecoderConfig, readWindows } from "../nn/decoder_config.ts";
import type { Family } from "./family.ts";

export const olmo2: Family = {
  modelType: "olmo2",
  architectures: ["Olmo2ForCausalLM"],
  create: (config) => createOlmo(config, undefined),
};

export const olmo3: Family = {
  modelType: "olmo3",
  architectures: ["Olmo3ForCausalLM"],
  create: (config) => createOlmo(config, config.size("sliding_window", 4096)),
};

function createOlmo(config: RawConfig, window: number | undefined): CausalModel {
  const base = readDecoderConfig(config, { eps: 1e-5 });
  const c = {
    ...base,
    attention: { ...base.attention, qkNorm: { norm: base.norm, over: "heads" as const } },
    windows: readWindows(config, base.layers, window, (layer) => (layer + 1) % 4 !== 0),
  };
  return decoderModel(c, postNormBlock(c));
}
