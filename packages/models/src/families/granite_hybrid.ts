/** Granite 4 where it is dense: attention in every layer, no experts, positions only where config.json asks for them. */
import { FusewireError } from "@fusewire/ir";
import { decoderModel } from "../nn/decoder.ts";
import { readDecoderConfig } from "../nn/decoder_config.ts";
import type { Family } from "./family.ts";
import { withMultipliers } from "./granite.ts";

export const graniteHybrid: Family = {
  modelType: "granitemoehybrid",
  architectures: ["GraniteMoeHybridForCausalLM"],
  create: (config) => {
    const { layer_types: types } = config.values;
    const attends = (type: unknown) => type === "attention" || type === "full_attention";
    if (!Array.isArray(types) || !types.every(attends))
      throw new FusewireError(
        "config.json: granitemoehybrid with recurrent layers (mamba) is not supported; models with attention in every layer are",
      );
    const rotary = config.string("position_embedding_type", undefined) === "rope";
    const c = withMultipliers(config, readDecoderConfig(config, { rotary }));
    const inner = config.size("shared_intermediate_size");
    const names = { scope: "shared_mlp", gate: "gate_proj", up: "up_proj", down: "output_linear" };
    return decoderModel({
      ...c,
      mlp: { ...c.mlp, inner, bias: false, names },
      keeping: { joined: [{ name: "input_linear", parts: { gate_proj: inner, up_proj: inner } }] },
    });
  },
};
