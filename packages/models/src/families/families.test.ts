import { describe, expect, test } from "vitest";
import { rawConfig } from "../config/index.ts";
import { createModel, FAMILIES } from "./index.ts";

const LLAMA = {
  model_type: "llama",
  architectures: ["LlamaForCausalLM"],
  hidden_size: 16,
  intermediate_size: 32,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  vocab_size: 40,
};
const create = (changes: object) => createModel(rawConfig({ ...LLAMA, ...changes } as typeof LLAMA));

test("each family has a type of its own", () => {
  const types = FAMILIES.map(({ modelType }) => modelType);
  expect(new Set(types).size).toBe(types.length);
  expect(create({})).toMatchObject({ vocabSize: 40, layers: 2, maxPositions: 2048 });
});

describe("what no family does is refused by name", () => {
  test.each([
    [
      { model_type: "mixtral", architectures: [] },
      "the architecture 'mixtral' is not supported; supported: cohere2, ernie4_5, ",
    ],
    [
      { model_type: "baichuan", auto_map: { AutoModel: "modeling.Baichuan" } },
      "'baichuan' needs code that comes with the model (auto_map), which is never run",
    ],
    [
      { architectures: ["LlamaForSequenceClassification"] },
      "'LlamaForSequenceClassification' is not supported",
    ],
    [
      { architectures: ["OwnModel"], auto_map: { AutoModel: "modeling.Own" } },
      "'OwnModel' is not supported, for its code comes with the model (auto_map)",
    ],
    [{ num_local_experts: 8 }, "'num_local_experts' asks for a mixture of experts, which is not supported"],
    [{ attention_chunk_size: 8192 }, "'attention_chunk_size' asks for chunked attention"],
    [{ hidden_act: "quick_gelu" }, "hidden_act 'quick_gelu' is not supported; supported: silu"],
    [
      { rope_scaling: { rope_type: "longrope", factor: 4 } },
      "rope_type 'longrope' of config.json is not supported",
    ],
    [{ num_key_value_heads: 3 }, "num_key_value_heads (3) must divide num_attention_heads (4)"],
    [
      { model_type: "mistral", architectures: [], layer_types: ["full_attention", "linear_attention"] },
      "layer type 'linear_attention' is not supported",
    ],
    [
      { model_type: "mistral", architectures: [], layer_types: ["full_attention"] },
      "layer_types has 1 entries for 2 layers",
    ],
  ])("%j", (changes, message) => {
    expect(() => create(changes)).toThrow(message);
  });

  test.each(["LLaMAForCausalLM", "LlamaModel", "SomebodysModel"])(
    "architecture %s is what model_type says",
    (name) => {
      expect(create({ architectures: [name] })).toMatchObject({ vocabSize: 40 });
    },
  );

  test("keys that are there but off are no reason", () => {
    expect(() =>
      create({ num_local_experts: 1, use_bidirectional_attention: false, qk_norm: null }),
    ).not.toThrow();
  });
});
