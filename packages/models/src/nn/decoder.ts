import { add, FusewireError, isActivation, mul, type Node } from "@fusewire/ir";
import { type RawConfig, type RotaryFrequencies, rotaryFrequencies } from "../config/index.ts";
import { type Angles, type AttentionShape, selfAttention } from "./attention.ts";
import type { CausalModel } from "./causal_model.ts";
import { type LayerContext, within } from "./context.ts";
import { embedding, head, rmsNorm, softcap } from "./layers.ts";
import { gatedMlp, type MlpShape } from "./mlp.ts";
import { rotaryAngles, type Step } from "./step.ts";

/** Sizes of a decoder with rotary positions, RMS norms and gated MLPs: Llama and its many relatives. */
export interface DecoderConfig {
  readonly width: number;
  readonly layers: number;
  readonly vocabSize: number;
  readonly maxPositions: number;
  readonly eps: number;
  /** Whether the embedding is also the output matrix. */
  readonly tied: boolean;
  readonly rope: RotaryFrequencies;
  readonly attention: AttentionShape;
  /** Sliding window of each layer, where layers have one. */
  readonly windows: readonly (number | undefined)[];
  readonly mlp: MlpShape;
  /** Added to the weight of every norm. */
  readonly normOffset: number;
  readonly embeddingScale: number;
  /** Soft cap of the scores; 0 for none. */
  readonly scoreCap: number;
}

/** One decoder layer: x f32[B, T, width] -> the same. */
export type Block = (layer: LayerContext, index: number, x: Node, step: Step, angles: Angles) => Node;

/** The shape that config.json gives, in the keys that all these families share; the activation from `hidden_act` unless given. */
export function readDecoderConfig(
  config: RawConfig,
  activation = readActivation(config, "hidden_act"),
): DecoderConfig {
  const width = config.size("hidden_size");
  const heads = config.size("num_attention_heads");
  const keyHeads = config.size("num_key_value_heads", heads);
  const headDim = config.size("head_dim", width / heads);
  const layers = config.size("num_hidden_layers");
  if (heads % keyHeads !== 0)
    throw new FusewireError(
      `config.json: num_key_value_heads (${keyHeads}) must divide num_attention_heads (${heads}); correct it`,
    );
  const attentionBias = config.boolean("attention_bias", false);
  return {
    width,
    layers,
    vocabSize: config.size("vocab_size"),
    maxPositions: config.size("max_position_embeddings", 2048),
    eps: config.positive("rms_norm_eps", 1e-6),
    tied: config.boolean("tie_word_embeddings", false),
    rope: rotaryFrequencies(config.ropeParameters(), headDim),
    attention: {
      heads,
      keyHeads,
      headDim,
      qkvBias: attentionBias,
      outBias: attentionBias,
      scale: headDim ** -0.5,
    },
    windows: new Array<undefined>(layers).fill(undefined),
    mlp: {
      inner: config.size("intermediate_size"),
      activation,
      bias: config.boolean("mlp_bias", false),
    },
    normOffset: 0,
    embeddingScale: 1,
    scoreCap: 0,
  };
}

/** Hugging Face's name of an activation -> ours. */
const ACTIVATIONS: Readonly<Record<string, string>> = {
  silu: "silu",
  swish: "silu",
  relu: "relu",
  gelu_pytorch_tanh: "gelu_tanh",
  gelu_new: "gelu_tanh",
};

/** The activation that a key of config.json names. */
export function readActivation(config: RawConfig, key: string, fallback = "silu"): MlpShape["activation"] {
  const name = config.string(key, fallback);
  const activation = Object.hasOwn(ACTIVATIONS, name) ? ACTIVATIONS[name]! : "";
  if (!isActivation(activation))
    throw new FusewireError(
      `config.json: ${key} '${name}' is not supported; supported: ${Object.keys(ACTIVATIONS).join(", ")}`,
    );
  return activation;
}

/** Which layers see a window only: `layer_types` of newer files, or the family's own rule. */
export function readWindows(
  config: RawConfig,
  layers: number,
  window: number | undefined,
  slides: (layer: number) => boolean,
): (number | undefined)[] {
  const types = config.values.layer_types;
  const known = ["full_attention", "sliding_attention"];
  if (Array.isArray(types)) {
    const other = types.find((type) => !known.includes(String(type)));
    if (other !== undefined)
      throw new FusewireError(
        `config.json: layer type '${String(other)}' is not supported; supported: ${known.join(", ")}`,
      );
    if (types.length !== layers)
      throw new FusewireError(
        `config.json: layer_types has ${types.length} entries for ${layers} layers; correct it`,
      );
  }
  const sliding = (layer: number) =>
    Array.isArray(types) ? types[layer] === "sliding_attention" : slides(layer);
  return Array.from({ length: layers }, (_, layer) => (sliding(layer) ? window : undefined));
}

/** The attention of one layer, with the window that layer has. */
export function attentionOf({ attention, windows }: DecoderConfig, layer: number): AttentionShape {
  const window = windows[layer];
  return window === undefined ? attention : { ...attention, window };
}

/** x + attention(norm(x)), then + mlp(norm(…)): the layer of Llama, Mistral, Qwen2 and Gemma. */
export const preNormBlock =
  (c: DecoderConfig): Block =>
  (layer, index, x, step, angles) => {
    const normed = rmsNorm(layer, "input_layernorm", x, c.eps, c.normOffset);
    const h = add(x, selfAttention(layer, index, normed, step, angles, attentionOf(c, index)));
    return add(h, gatedMlp(layer, rmsNorm(layer, "post_attention_layernorm", h, c.eps, c.normOffset), c.mlp));
  };

/** The whole model around its layers, with the names that Hugging Face gives the weights. */
export function decoderModel(c: DecoderConfig, block: Block = preNormBlock(c)): CausalModel {
  const vocabulary = [c.vocabSize, c.width] as const;
  return {
    vocabSize: c.vocabSize,
    maxPositions: c.maxPositions,
    positionTable: false,
    layers: c.layers,
    width: c.width,
    inner: c.mlp.inner,
    attention: c.attention,
    keeping: { tied: c.tied ? "model.embed_tokens.weight" : undefined },
    decode: (context, tokens, step, told) =>
      within(context, "model", (model): Node => {
        const angles = rotaryAngles(context.tracer, step, c.rope);
        let x = embedding(model, "embed_tokens", tokens, ...vocabulary);
        if (c.embeddingScale !== 1) x = mul(x, c.embeddingScale);
        for (let i = 0; i < c.layers; i++) {
          told?.(x);
          x = within(model, `layers.${i}`, (layer) => block(layer, i, x, step, angles));
        }
        return rmsNorm(model, "norm", x, c.eps, c.normOffset);
      }),
    head: (context, hidden) => {
      const scores = head(context, hidden, c.vocabSize, c.tied ? "model.embed_tokens" : undefined);
      return c.scoreCap > 0 ? softcap(scores, c.scoreCap) : scores;
    },
  };
}
