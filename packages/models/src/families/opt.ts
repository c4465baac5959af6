/** OPT: learned positions, layer norms before each half (after it in the 350m model), biases, a plain ReLU MLP. */
import { activationOf, add, FusewireError, gather, type Node } from "@fusewire/ir";
import type { RawConfig } from "../config/index.ts";
import { selfAttention } from "../nn/attention.ts";
import { type LayerContext, weight, within } from "../nn/context.ts";
import { readActivation } from "../nn/decoder_config.ts";
import { embedding, head, linear } from "../nn/layers.ts";
import { type Norm, norm } from "../nn/norm.ts";
import type { Step } from "../nn/step.ts";
import type { Family } from "./family.ts";

/** Rows of the position table before that of position 0. */
const POSITION_OFFSET = 2;
/** With the eps that torch.nn.LayerNorm has unless told otherwise. */
const NORM: Norm = { kind: "layer", eps: 1e-5, bias: true };

export const opt: Family = {
  modelType: "opt",
  architectures: ["OPTForCausalLM"],
  create: (config) => {
    const c = readOptConfig(config);
    return {
      vocabSize: c.vocabSize,
      maxPositions: c.maxPositions,
      positionTable: true,
      layers: c.layers,
      width: c.width,
      inner: c.inner,
      attention: c.attention,
      keeping: { tied: c.tied ? "model.decoder.embed_tokens.weight" : undefined },
      decode: (context, tokens, step, told) =>
        within(context, "model.decoder", (decoder): Node => {
          let x = embedding(decoder, "embed_tokens", tokens, c.vocabSize, c.embeddingWidth);
          if (c.embeddingWidth !== c.width) x = linear(decoder, "project_in", x, c.width);
          const positions = within(decoder, "embed_positions", (inner) =>
            gather(
              weight(inner, "weight", [c.maxPositions + POSITION_OFFSET, c.width]),
              add(step.positions, POSITION_OFFSET),
            ),
          );
          x = add(x, positions);
          for (let i = 0; i < c.layers; i++) {
            told?.(x);
            x = within(decoder, `layers.${i}`, (layer) => block(layer, i, x, step, c));
          }
          if (c.finalNorm) x = norm(decoder, "final_layer_norm", x, NORM);
          return c.embeddingWidth === c.width ? x : linear(decoder, "project_out", x, c.embeddingWidth);
        }),
      head: (context, hidden) =>
        head(context, hidden, c.vocabSize, c.tied ? "model.decoder.embed_tokens" : undefined),
    };
  },
};

type OptConfig = ReturnType<typeof readOptConfig>;

function readOptConfig(config: RawConfig) {
  const width = config.size("hidden_size");
  const heads = config.size("num_attention_heads");
  if (!config.boolean("layer_norm_elementwise_affine", true))
    throw new FusewireError(
      "config.json: layer norms without weights are not supported; OPT models have them",
    );
  const normFirst = config.boolean("do_layer_norm_before", true);
  const bias = config.boolean("enable_bias", true);
  const headDim = width / heads;
  return {
    width,
    layers: config.size("num_hidden_layers"),
    vocabSize: config.size("vocab_size"),
    maxPositions: config.size("max_position_embeddings"),
    embeddingWidth: config.size("word_embed_proj_dim", width),
    tied: config.boolean("tie_word_embeddings", true),
    inner: config.size("ffn_dim"),
    activation: readActivation(config, "activation_function", "relu"),
    bias,
    normFirst,
    finalNorm: normFirst && !config.boolean("_remove_final_layer_norm", false),
    attention: {
      ...{ heads, keyHeads: heads, headDim, qkvBias: bias, outBias: bias, scale: headDim ** -0.5 },
      names: { scope: "self_attn", out: "out_proj" },
    },
  } as const;
}

/** x + attention(norm(x)), then + mlp(norm(…)); with `normFirst` false the norms come after the sums instead. */
function block(layer: LayerContext, index: number, x: Node, step: Step, c: OptConfig): Node {
  const around = (name: string, input: Node, half: (y: Node) => Node): Node => {
    const before = c.normFirst ? norm(layer, name, input, NORM) : input;
    const sum = add(input, half(before));
    return c.normFirst ? sum : norm(layer, name, sum, NORM);
  };
  const attended = around("self_attn_layer_norm", x, (y) =>
    selfAttention(layer, index, y, step, undefined, c.attention),
  );
  return around("final_layer_norm", attended, (y) => {
    const inner = activationOf(c.activation).apply(linear(layer, "fc1", y, c.inner, c.bias));
    return linear(layer, "fc2", inner, c.width, c.bias);
  });
}
