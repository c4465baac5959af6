/** Gemma 3: Gemma 2 with norms of queries and keys, without soft caps, and rotary positions of their own in layers that slide. */
import { type RawConfig, rawConfig } from "../config/index.ts";
import { sandwichBlock } from "../nn/blocks.ts";
import { decoderModel } from "../nn/decoder.ts";
import { type DecoderConfig, readWindows } from "../nn/decoder_config.ts";
import type { Family } from "./family.ts";
import { readGemmaConfig } from "./gemma.ts";

export const gemma3: Family = {
  modelType: "gemma3_text",
  architectures: ["Gemma3ForCausalLM"],
  create: (given) => {
    const config = withLayerTypes(given);
    const base = readGemmaConfig(config, "hidden_activation");
    const c: DecoderConfig = {
      ...base,
      attention: {
        ...base.attention,
        scale: config.positive("query_pre_attn_scalar", 256) ** -0.5,
        softcap: config.positive("attn_logit_softcapping", undefined) ?? 0,
        qkNorm: { norm: base.norm, over: "head" },
      },
      windows: readWindows(config, base.layers, config.size("sliding_window", 4096), () => false),
      scoreCap: config.positive("final_logit_softcapping", undefined) ?? 0,
    };
    return decoderModel(c, sandwichBlock(c));
  },
};

/** Layer types and the rotary positions of each, which older files have in keys of their own. */
function withLayerTypes(config: RawConfig): RawConfig {
  const pattern = config.size("sliding_window_pattern", 6);
  const layers = config.size("num_hidden_layers");
  const layer_types = Array.from({ length: layers }, (_, layer) =>
    (layer + 1) % pattern === 0 ? "full_attention" : "sliding_attention",
  );
  const rope_parameters = config.object("rope_parameters", {
    sliding_attention: {
      rope_type: "default",
      rope_theta: config.positive("rope_local_base_freq", 10_000),
    },
    full_attention: {
      rope_type: "default",
      ...config.object("rope_scaling", {}),
      rope_theta: config.positive("rope_theta", 1_000_000),
    },
  });
  const types = config.has("layer_types") ? config.values.layer_types : layer_types;
  return rawConfig({
    ...config.values,
    rope_scaling: null,
    rope_parameters,
    layer_types: types ?? layer_types,
  });
}
