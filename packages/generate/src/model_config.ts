import type { CausalModel, RawConfig, TokenIds } from "@fusewire/models";

/**
 * A model's configuration: what it was made of, by the names of Hugging Face, and the accessors over config.json for
 * all else that stands there (`config.values.rope_theta`).
 */
export interface ModelConfig extends RawConfig {
  readonly model_type: string;
  readonly vocab_size: number;
  /** Width of embeddings and of what goes from layer to layer. */
  readonly hidden_size: number;
  /** Width inside of each layer's MLP. */
  readonly intermediate_size: number;
  readonly num_hidden_layers: number;
  readonly num_attention_heads: number;
  /** Heads of keys and values; fewer than `num_attention_heads` where those share them. */
  readonly num_key_value_heads: number;
  readonly head_dim: number;
  /** The longest text the model was made for, in tokens. */
  readonly max_position_embeddings: number;
  /** Whether the embedding is the output matrix as well. */
  readonly tie_word_embeddings: boolean;
  readonly bos_token_id: TokenIds | undefined;
  readonly eos_token_id: TokenIds | undefined;
  readonly pad_token_id: number | undefined;
}

/** The configuration with the sizes that the model has, also those that config.json leaves to their defaults. */
export function modelConfig(config: RawConfig, model: CausalModel): ModelConfig {
  const { heads, keyHeads, headDim } = model.attention;
  return {
    ...config,
    model_type: config.modelType,
    vocab_size: model.vocabSize,
    hidden_size: model.width,
    intermediate_size: model.inner,
    num_hidden_layers: model.layers,
    num_attention_heads: heads,
    num_key_value_heads: keyHeads,
    head_dim: headDim,
    max_position_embeddings: model.maxPositions,
    tie_word_embeddings: model.keeping.tied !== undefined,
    bos_token_id: tokenIds(config, "bos_token_id"),
    eos_token_id: tokenIds(config, "eos_token_id"),
    pad_token_id: [tokenIds(config, "pad_token_id") ?? []].flat()[0],
  };
}

const isId = (value: unknown): value is number => Number.isSafeInteger(value);

function tokenIds({ values }: RawConfig, name: string): TokenIds | undefined {
  const value = values[name];
  if (Array.isArray(value)) return value.filter(isId);
  return isId(value) ? value : undefined;
}
