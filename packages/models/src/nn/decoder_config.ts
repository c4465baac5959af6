import { FusewireError, isActivation } from "@fusewire/ir";
import type { RawConfig } from "../config/index.ts";
import type { Keeping } from "../stored/index.ts";
import type { AttentionShape } from "./attention.ts";
import type { MlpShape } from "./mlp.ts";
import type { Norm } from "./norm.ts";
import { type Rotary, type RotaryRules, readRotary } from "./positions.ts";

/** Sizes of a decoder: Llama and its many relatives. */
export interface DecoderConfig {
  readonly width: number;
  readonly layers: number;
  readonly vocabSize: number;
  readonly maxPositions: number;
  /** The table of learned positions; undefined where positions are rotary. */
  readonly positionTable?: { readonly name: string };
  /** Whether the embedding is also the output matrix. */
  readonly tied: boolean;
  readonly rotary: Rotary;
  readonly attention: AttentionShape;
  /** Sliding window of each layer, where layers have one. */
  readonly windows: readonly (number | undefined)[];
  readonly mlp: MlpShape;
  /** Every norm of a layer, and the last. */
  readonly norm: Norm;
  readonly embeddingScale: number;
  /** What each half of a layer gives is multiplied by this before it is added. */
  readonly residualScale: number;
  /** Scores are multiplied by this. */
  readonly scoreScale: number;
  /** Soft cap of the scores; 0 for none. */
  readonly scoreCap: number;
  readonly headBias: boolean;
  readonly names: DecoderNames;
  /** How checkpoints of the family keep weights, where otherwise than in the graph. */
  readonly keeping: Pick<Keeping, "transposed" | "joined">;
}

/** What a family calls the parts around its layers. */
export interface DecoderNames {
  readonly base: string;
  readonly embedding: string;
  readonly layers: string;
  readonly norm: string;
}

const LLAMA: DecoderNames = { base: "model", embedding: "embed_tokens", layers: "layers", norm: "norm" };

/** What a family says beside config.json. */
export interface DecoderRules extends RotaryRules {
  /** Where not what `hidden_act` says. */
  readonly activation?: MlpShape["activation"];
  /** False where positions are learned, or there are none. */
  readonly rotary?: boolean;
  /** What holds where config.json leaves it out: of norms, and of the head. */
  readonly eps?: number;
  readonly tied?: boolean;
}

/** The shape that config.json gives, in the keys that all these families share. */
export function readDecoderConfig(config: RawConfig, rules: DecoderRules = {}): DecoderConfig {
  const {
    activation = readActivation(config, "hidden_act"),
    rotary = true,
    eps = 1e-6,
    tied = false,
  } = rules;
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
    tied: config.boolean("tie_word_embeddings", tied),
    rotary: rotary
      ? readRotary(config, layers, headDim, rules)
      : { layers: new Array<undefined>(layers).fill(undefined), reordered: [] },
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
    norm: { kind: "rms", eps: config.positive("rms_norm_eps", eps), offset: 0 },
    embeddingScale: 1,
    residualScale: 1,
    scoreScale: 1,
    scoreCap: 0,
    headBias: false,
    names: LLAMA,
    keeping: {},
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
