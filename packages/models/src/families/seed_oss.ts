/** Seed-OSS: Llama with biases on queries, keys and values. */
import { decoderModel } from "../nn/decoder.ts";
import { readDecoderConfig } from "../nn/decoder_config.ts";
import type { Family } from "./family.ts";

export const seedOss: Family = {
  modelType: "seed_oss",
  architectures: ["SeedOssForCausalLM"],
  create: (config) => {
    const c = readDecoderConfig(config);
    return decoderModel({
      ...c,
      attention: {
        ...c.attention,
        qkvBias: config.boolean("attention_bias", true),
        outBias: config.boolean("attention_out_bias", false),
      },
    });
  },
};
