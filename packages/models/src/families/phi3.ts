/** Phi-3, 3.5 and 4: Llama with joined projections; part of a head may turn, and all layers may slide. */
import { decoderModel } from "../nn/decoder.ts";
import { readDecoderConfig, readWindows } from "../nn/decoder_config.ts";
import type { Family } from "./family.ts";

export const phi3: Family = {
  modelType: "phi3",
  architectures: ["Phi3ForCausalLM"],
  create: (config) => {
    const c = readDecoderConfig(config, { eps: 1e-5 });
    const { heads, keyHeads, headDim } = c.attention;
    const [q, kv] = [heads * headDim, keyHeads * headDim];
    return decoderModel({
      ...c,
      attention: { ...c.attention, qkvBias: false, outBias: false },
      windows: readWindows(config, c.layers, config.size("sliding_window", undefined), () => true),
      keeping: {
        joined: [
          { name: "qkv_proj", parts: { q_proj: q, k_proj: kv, v_proj: kv } },
          { name: "gate_up_proj", parts: { gate_proj: c.mlp.inner, up_proj: c.mlp.inner } },
        ],
      },
    });
  },
};
