import { toValue, type Value } from "@fusewire/ir";
import { encodeSafetensors, type ModelFiles, memoryFiles } from "@fusewire/models";

const CONFIG = {
  model_type: "llama",
  architectures: ["LlamaForCausalLM"],
  hidden_size: 16,
  intermediate_size: 24,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  vocab_size: 40,
  max_position_embeddings: 64,
  rms_norm_eps: 1e-6,
  tie_word_embeddings: true,
};

/** Weights of the model above: repeatable, and large enough that tokens differ. */
export function tinyWeights(): Map<string, Value> {
  let seed = 1;
  const random = (shape: readonly number[]): Value => {
    const size = shape.reduce((product, n) => product * n, 1);
    const numbers = Array.from({ length: size }, () => {
      seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
      return (seed / 2 ** 32 - 0.5) * 0.8;
    });
    return toValue({ dtype: "f32", shape }, numbers);
  };
  const shapes: [string, number[]][] = [
    ["model.embed_tokens.weight", [40, 16]],
    ["model.norm.weight", [16]],
    ...[0, 1].flatMap((layer): [string, number[]][] =>
      Object.entries({
        "input_layernorm.weight": [16],
        "post_attention_layernorm.weight": [16],
        "self_attn.q_proj.weight": [16, 16],
        "self_attn.k_proj.weight": [8, 16],
        "self_attn.v_proj.weight": [8, 16],
        "self_attn.o_proj.weight": [16, 16],
        "mlp.gate_proj.weight": [24, 16],
        "mlp.up_proj.weight": [24, 16],
        "mlp.down_proj.weight": [16, 24],
      }).map(([name, shape]) => [`model.layers.${layer}.${name}`, shape]),
    ),
  ];
  return new Map(shapes.map(([name, shape]) => [name, random(shape)]));
}

/** A Llama of two layers in memory; `weights` and `config` replace parts of it. */
export function tinyModel({
  weights = tinyWeights(),
  config = {},
  generation,
}: {
  readonly weights?: ReadonlyMap<string, Value>;
  readonly config?: object;
  readonly generation?: object;
} = {}): ModelFiles {
  const json = (value: object) => new TextEncoder().encode(JSON.stringify(value));
  return memoryFiles({
    "config.json": json({ ...CONFIG, ...config }),
    "model.safetensors": encodeSafetensors(weights),
    ...(generation && { "generation_config.json": json(generation) }),
  });
}
