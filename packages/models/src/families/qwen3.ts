/** Qwen3: Qwen2 with norms of queries and keys over each head in place of biases. */
import { decoderModel } from "../nn/decoder.ts";
import { readDecoderConfig } from "../nn/decoder_config.ts";
import type { Family } from "./family.ts";
import { readQwenWindows } from "./qwen2.ts";

export const qwen3: Family = {
  modelType: "qwen3",
  architectures: ["Qwen3ForCausalLM"],
  create: (config) => {
    const c = readDecoderConfig(config);
    return decoderModel({
      ...c,
      attention: { ...c.attention, qkNorm: { norm: c.norm, over: "head" } },
      windows: readQwenWindows(config, c.layers),
    });
  },
};
