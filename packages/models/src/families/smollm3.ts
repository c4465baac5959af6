/** SmolLM3: Llama whose every fourth layer knows no positions. */
import { FusewireError } from "@fusewire/ir";
import type { RawConfig } from "../config/index.ts";
import { decoderModel } from "../nn/decoder.ts";
import { readDecoderConfig, readWindows } from "../nn/decoder_config.ts";
import type { Family } from "./family.ts";

export const smollm3: Family = {
  modelType: "smollm3",
  architectures: ["SmolLM3ForCausalLM"],
  create: (config) => {
    const c = readDecoderConfig(config, { tied: true, theta: 2_000_000, without: positionless(config) });
    const slides = config.boolean("use_sliding_window", false);
    const window = slides ? config.size("sliding_window", undefined) : undefined;
    return decoderModel({ ...c, windows: readWindows(config, c.layers, window, positionless(config)) });
  },
};

/** `no_rope_layers` has 0 for layers without positions; older files have the distance from one to the next. */
function positionless(config: RawConfig): (layer: number) => boolean {
  const { no_rope_layers: listed } = config.values;
  if (listed === undefined || listed === null) {
    const interval = config.size("no_rope_layer_interval", 4);
    return (layer) => (layer + 1) % interval === 0;
  }
  if (!Array.isArray(listed) || listed.length !== config.size("num_hidden_layers"))
    throw new FusewireError("'no_rope_layers' of config.json must have a 1 or 0 for each layer; correct it");
  return (layer) => listed[layer] === 0;
}
