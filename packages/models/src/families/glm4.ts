/** GLM-4: norms before and after each half, joined gates, and rotary positions that turn neighbours in half of a head. */
import { sandwichBlock } from "../nn/blocks.ts";
import { decoderModel } from "../nn/decoder.ts";
import { type DecoderConfig, readDecoderConfig } from "../nn/decoder_config.ts";
import type { Family } from "./family.ts";

export const glm4: Family = {
  modelType: "glm4",
  architectures: ["Glm4ForCausalLM"],
  create: (config) => {
    const base = readDecoderConfig(config, { eps: 1.5625e-7, interleaved: true, partial: 0.5 });
    const { inner } = base.mlp;
    const c: DecoderConfig = {
      ...base,
      attention: {
        ...base.attention,
        qkvBias: config.boolean("attention_bias", true),
        outBias: false,
      },
      mlp: { ...base.mlp, bias: false },
      keeping: { joined: [{ name: "gate_up_proj", parts: { gate_proj: inner, up_proj: inner } }] },
    };
    return decoderModel(
      c,
      sandwichBlock(c, [
        "input_layernorm",
        "post_self_attn_layernorm",
        "post_attention_layernorm",
        "post_mlp_layernorm",
      ]),
    );
  },
};
