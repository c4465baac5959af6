import { FusewireError } from "@fusewire/ir";
import type { RawConfig } from "../config/index.ts";
import type { JsonValue } from "../files/index.ts";

const isSet = (value: JsonValue): boolean => value !== false && value !== 0;

/** Keys of config.json that change what a model computes in ways no family here does, and what they stand for. */
const FEATURES: Readonly<
  Record<string, { readonly feature: string; readonly when?: (value: JsonValue) => boolean }>
> = {
  num_local_experts: {
    feature: "a mixture of experts",
    when: (value) => typeof value === "number" && value > 1,
  },
  num_experts: { feature: "a mixture of experts", when: (value) => typeof value === "number" && value > 1 },
  n_routed_experts: { feature: "a mixture of experts" },
  kv_lora_rank: { feature: "multi-head latent attention" },
  attention_chunk_size: { feature: "chunked attention" },
  use_bidirectional_attention: { feature: "bidirectional attention" },
  qk_norm: { feature: "norms of queries and keys" },
  use_qk_norm: { feature: "norms of queries and keys" },
  is_encoder_decoder: { feature: "an encoder beside the decoder" },
};

/** Refuses a config that asks for something that is not built, naming it; silence would mean wrong text. */
export function refuseUnsupported(config: RawConfig): void {
  for (const [key, { feature, when = isSet }] of Object.entries(FEATURES)) {
    const value = config.values[key];
    if (value !== undefined && value !== null && when(value))
      throw new FusewireError(
        `config.json: '${key}' asks for ${feature}, which is not supported; use another checkpoint`,
      );
  }
}
