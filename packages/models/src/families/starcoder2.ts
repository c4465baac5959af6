/** StarCoder2: layer norms, biases, an MLP without a gate; all layers may slide. */
import { decoderModel } from "../nn/decoder.ts";
import { readActivation, readDecoderConfig, readWindows } from "../nn/decoder_config.ts";
import type { Family } from "./family.ts";

export const starcoder2: Family = {
  modelType: "starcoder2",
  architectures: ["Starcoder2ForCausalLM"],
  create: (config) => {
    const activation = readActivation(config, "hidden_act", "gelu_pytorch_tanh");
    const c = readDecoderConfig(config, { activation, tied: true });
    const bias = config.boolean("use_bias", true);
    return decoderModel({
      ...c,
      norm: { kind: "layer", eps: config.positive("norm_epsilon", 1e-5), bias: true },
      attention: { ...c.attention, qkvBias: bias, outBias: bias },
      mlp: { ...c.mlp, bias, names: { up: "c_fc", down: "c_proj" } },
      windows: readWindows(config, c.layers, config.size("sliding_window", undefined), () => true),
    });
  },
};
