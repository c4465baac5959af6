/** GPT-2: learned positions, layer norms, biases, and matrices kept as [in, out] with q, k and v side by side. */
import { FusewireError } from "@fusewire/ir";
import { renamed } from "../config/index.ts";
import { preNormBlock } from "../nn/blocks.ts";
import { decoderModel } from "../nn/decoder.ts";
import { type DecoderConfig, readActivation, readDecoderConfig } from "../nn/decoder_config.ts";
import type { Family } from "./family.ts";

/** Keys of config.json that other families call otherwise. */
const KEYS = {
  hidden_size: "n_embd",
  num_hidden_layers: "n_layer",
  num_attention_heads: "n_head",
  intermediate_size: "n_inner",
  max_position_embeddings: "n_positions",
};

export const gpt2: Family = {
  modelType: "gpt2",
  architectures: ["GPT2LMHeadModel"],
  create: (given) => {
    const config = renamed(given, KEYS, ({ hidden_size }) => ({
      intermediate_size: 4 * Number(hidden_size),
    }));
    for (const [key, usual] of [
      ["scale_attn_weights", true],
      ["scale_attn_by_inverse_layer_idx", false],
    ] as const)
      if (config.boolean(key, usual) !== usual)
        throw new FusewireError(
          `config.json: gpt2 with ${key} ${!usual} is not supported; models with ${usual} are`,
        );
    const activation = readActivation(config, "activation_function", "gelu_new");
    const base = readDecoderConfig(config, { activation, rotary: false });
    const c: DecoderConfig = {
      ...base,
      tied: config.boolean("tie_word_embeddings", true),
      norm: { kind: "layer", eps: config.positive("layer_norm_epsilon", 1e-5), bias: true },
      attention: {
        ...base.attention,
        qkvBias: true,
        outBias: true,
        names: { scope: "attn", out: "c_proj" },
      },
      mlp: { ...base.mlp, bias: true, names: { up: "c_fc", down: "c_proj" } },
      positionTable: { name: "wpe" },
      names: { base: "transformer", embedding: "wte", layers: "h", norm: "ln_f" },
      keeping: {
        transposed: ["c_attn", "c_proj", "c_fc"],
        joined: [{ name: "c_attn", parts: { q_proj: base.width, k_proj: base.width, v_proj: base.width } }],
      },
    };
    return decoderModel(c, preNormBlock(c, ["ln_1", "ln_2"]));
  },
};
