/** ERNIE 4.5 (dense): Llama whose rotary positions turn neighbours. */
import { decoderModel } from "../nn/decoder.ts";
import { readDecoderConfig } from "../nn/decoder_config.ts";
import type { Family } from "./family.ts";

export const ernie45: Family = {
  modelType: "ernie4_5",
  architectures: ["Ernie4_5ForCausalLM"],
  create: (config) => {
    const c = readDecoderConfig(config, { eps: 1e-5, tied: true, theta: 500_000, interleaved: true });
    const bias = config.boolean("use_bias", false);
    return decoderModel({
      ...c,
      attention: { ...c.attention, qkvBias: bias, outBias: bias },
      mlp: { ...c.mlp, bias },
    });
  },
};
