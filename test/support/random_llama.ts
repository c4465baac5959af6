/** A Llama of any size with random weights, for tests in which only sizes and time count. */
import { type Value, view } from "@fusewire/ir";
import { encodeSafetensors } from "@fusewire/models";

export interface LlamaSizes {
  readonly vocab_size: number;
  readonly hidden_size: number;
  readonly intermediate_size: number;
  readonly num_hidden_layers: number;
  readonly num_attention_heads: number;
  readonly num_key_value_heads: number;
}

/** 38 MB, of which the embedding is half: more than two chunks of a download. */
export const SMALL: LlamaSizes = {
  vocab_size: 36_000,
  hidden_size: 256,
  intermediate_size: 1536,
  num_hidden_layers: 7,
  num_attention_heads: 4,
  num_key_value_heads: 2,
};

/** The shape of SmolLM2-135M: 269 MB. */
export const SMOLLM2: LlamaSizes = {
  vocab_size: 49_152,
  hidden_size: 576,
  intermediate_size: 1536,
  num_hidden_layers: 30,
  num_attention_heads: 9,
  num_key_value_heads: 3,
};

/** The files of such a model, by name; weights are bfloat16. */
export function randomLlama(sizes: LlamaSizes): Readonly<Record<string, Uint8Array>> {
  const config = {
    model_type: "llama",
    architectures: ["LlamaForCausalLM"],
    ...sizes,
    head_dim: sizes.hidden_size / sizes.num_attention_heads,
    hidden_act: "silu",
    max_position_embeddings: 2048,
    rms_norm_eps: 1e-5,
    tie_word_embeddings: true,
    bos_token_id: 0,
    eos_token_id: 0,
  };
  return {
    "config.json": new TextEncoder().encode(JSON.stringify(config)),
    "model.safetensors": encodeSafetensors(weightsOf(sizes)),
  };
}

function weightsOf(sizes: LlamaSizes): Map<string, Value> {
  const { hidden_size: width, intermediate_size: inner, vocab_size: vocab } = sizes;
  const keys = (width / sizes.num_attention_heads) * sizes.num_key_value_heads;
  const layer: readonly (readonly [string, ...number[]])[] = [
    ["input_layernorm", width],
    ["self_attn.q_proj", width, width],
    ["self_attn.k_proj", keys, width],
    ["self_attn.v_proj", keys, width],
    ["self_attn.o_proj", width, width],
    ["post_attention_layernorm", width],
    ["mlp.gate_proj", inner, width],
    ["mlp.up_proj", inner, width],
    ["mlp.down_proj", width, inner],
  ];
  const layers = Array.from({ length: sizes.num_hidden_layers }, (_, k) =>
    layer.map(([name, ...shape]) => [`model.layers.${k}.${name}.weight`, shape] as const),
  );
  const all = [
    ["model.embed_tokens.weight", [vocab, width]] as const,
    ...layers.flat(),
    ["model.norm.weight", [width]] as const,
  ];
  return new Map(all.map(([name, shape]) => [name, randomValue(shape)]));
}

/** Numbers of about a fiftieth, none of them zero: a period that divides no row keeps rows apart. */
function randomValue(shape: readonly number[]): Value {
  const words = new Uint16Array(shape.reduce((product, size) => product * size, 1));
  let state = 1;
  for (let k = 0; k < words.length; k++) {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    // The sign, an exponent of 2^-7 or 2^-6, and a mantissa of 7 bits.
    words[k] = ((state >>> 16) & 0x80ff) | 0x3c00;
  }
  return { type: { dtype: "bf16", shape }, data: view("bf16", words.buffer, 0, words.length) };
}
