/** Phi-1, 1.5 and 2: halves side by side after one layer norm, biases everywhere, half of a head turns. */
import { FusewireError } from "@fusewire/ir";
import { parallelBlock } from "../nn/blocks.ts";
import { decoderModel } from "../nn/decoder.ts";
import { type DecoderConfig, readActivation, readDecoderConfig } from "../nn/decoder_config.ts";
import type { Family } from "./family.ts";

export const phi: Family = {
  modelType: "phi",
  architectures: ["PhiForCausalLM"],
  create: (config) => {
    if (config.boolean("qk_layernorm", false))
      throw new FusewireError(
        "config.json: phi with norms of queries and keys (qk_layernorm) is not supported; no published model has them",
      );
    const activation = readActivation(config, "hidden_act", "gelu_new");
    const base = readDecoderConfig(config, { activation, partial: 0.5 });
    const c: DecoderConfig = {
      ...base,
      norm: { kind: "layer", eps: config.positive("layer_norm_eps", 1e-5), bias: true },
      attention: {
        ...base.attention,
        qkvBias: true,
        outBias: true,
        names: { scope: "self_attn", out: "dense" },
      },
      mlp: { ...base.mlp, bias: true, names: { up: "fc1", down: "fc2" } },
      headBias: true,
      names: { ...base.names, norm: "final_layernorm" },
    };
    return decoderModel(c, parallelBlock(c));
  },
};
