/** HunYuan (dense): Llama with norms of queries and keys after their rotary positions. */
import { decoderModel } from "../nn/decoder.ts";
import { readDecoderConfig } from "../nn/decoder_config.ts";
import type { Family } from "./family.ts";

export const hunyuan: Family = {
  modelType: "hunyuan_v1_dense",
  architectures: ["HunYuanDenseV1ForCausalLM"],
  create: (config) => {
    const c = readDecoderConfig(config, { eps: 1e-5 });
    const names = { q: "query_layernorm", k: "key_layernorm" };
    return decoderModel({
      ...c,
      attention: {
        ...c.attention,
        qkNorm: { norm: c.norm, over: "head", afterRotary: true, names },
      },
      mlp: { ...c.mlp, bias: false },
    });
  },
};
