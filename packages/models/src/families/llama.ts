/** Llama 1 to 3, and what copies them exactly (SmolLM2, TinyLlama …). */
import { add, FusewireError, matmul, type Node } from "@fusewire/ir";
import { type RawConfig, rotaryFrequencies } from "../config/index.ts";
import { type AttentionShape, selfAttention } from "../nn/attention.ts";
import { weight, within } from "../nn/context.ts";
import { embedding, linear, rmsNorm } from "../nn/layers.ts";
import { gatedMlp } from "../nn/mlp.ts";
import { causal, rotaryAngles } from "../nn/step.ts";
import type { CausalModel, Family } from "./family.ts";

export const llama: Family = {
  modelType: "llama",
  architectures: ["LlamaForCausalLM"],
  create: (config) => {
    const c = readLlamaConfig(config);
    const vocabulary = [c.vocabSize, c.width] as const;
    return {
      vocabSize: c.vocabSize,
      maxPositions: c.maxPositions,
      layers: c.layers,
      decode: (context, tokens, step) =>
        within(context, "model", (model): Node => {
          const interval = causal(step);
          const angles = rotaryAngles(context.tracer, step, c.rope);
          let x = embedding(model, "embed_tokens", tokens, ...vocabulary);
          for (let i = 0; i < c.layers; i++)
            x = within(model, `layers.${i}`, (layer) => {
              const attended = selfAttention(
                layer,
                i,
                rmsNorm(layer, "input_layernorm", x, c.eps),
                step,
                interval,
                angles,
                c.attention,
              );
              const h = add(x, attended);
              return add(h, gatedMlp(layer, rmsNorm(layer, "post_attention_layernorm", h, c.eps), c.mlp));
            });
          return rmsNorm(model, "norm", x, c.eps);
        }),
      head: (context, hidden) =>
        c.tied
          ? within(context, "model.embed_tokens", (inner) =>
              matmul(hidden, weight(inner, "weight", vocabulary), { transposeB: true }),
            )
          : linear(context, "lm_head", hidden, c.vocabSize),
    } satisfies CausalModel;
  },
};

function readLlamaConfig(config: RawConfig) {
  const width = config.size("hidden_size");
  const heads = config.size("num_attention_heads");
  const keyHeads = config.size("num_key_value_heads", heads);
  const headDim = config.size("head_dim", width / heads);
  if (!Number.isInteger(headDim) || headDim % 2 !== 0)
    throw new FusewireError(`config.json: head_dim must be an even integer, not ${headDim}`);
  if (heads % keyHeads !== 0)
    throw new FusewireError(
      `config.json: num_key_value_heads (${keyHeads}) must divide num_attention_heads (${heads})`,
    );
  const activation = config.string("hidden_act", "silu");
  if (activation !== "silu")
    throw new FusewireError(
      `config.json: hidden_act '${activation}' is not supported for llama; supported: silu`,
    );
  const attentionBias = config.boolean("attention_bias", false);
  const attention: AttentionShape = {
    heads,
    keyHeads,
    headDim,
    qkvBias: attentionBias,
    outBias: attentionBias,
    scale: headDim ** -0.5,
  };
  return {
    width,
    layers: config.size("num_hidden_layers"),
    vocabSize: config.size("vocab_size"),
    maxPositions: config.size("max_position_embeddings", 2048),
    eps: config.positive("rms_norm_eps", 1e-6),
    tied: config.boolean("tie_word_embeddings", false),
    rope: rotaryFrequencies(config.ropeParameters(), headDim),
    attention,
    mlp: { inner: config.size("intermediate_size"), activation, bias: config.boolean("mlp_bias", false) },
  } as const;
}
