import { FusewireError } from "@fusewire/ir";
import type { JsonObject, JsonValue } from "../files/index.ts";
import type { GgufHeader, GgufValue } from "./header.ts";
import { ARCHITECTURES, type Architecture } from "./names.ts";

/** Keys of metadata behind the architecture's name, and what config.json calls them. */
const KEYS: Readonly<Record<string, string>> = {
  context_length: "max_position_embeddings",
  block_count: "num_hidden_layers",
  feed_forward_length: "intermediate_size",
  embedding_length: "hidden_size",
  "attention.head_count": "num_attention_heads",
  "attention.head_count_kv": "num_key_value_heads",
  "attention.key_length": "head_dim",
  "attention.layer_norm_rms_epsilon": "rms_norm_eps",
  "attention.sliding_window": "sliding_window",
  attn_logit_softcapping: "attn_logit_softcapping",
  final_logit_softcapping: "final_logit_softcapping",
  "rope.freq_base": "rope_theta",
};

/** Special tokens, by what config.json calls them. */
const TOKENS: Readonly<Record<string, string>> = {
  bos_token_id: "tokenizer.ggml.bos_token_id",
  eos_token_id: "tokenizer.ggml.eos_token_id",
  pad_token_id: "tokenizer.ggml.padding_token_id",
};

/** The family that a file is of. */
export function architectureOf(
  { metadata }: GgufHeader,
  file: string,
): readonly [name: string, Architecture] {
  const name = metadata.get("general.architecture");
  const found =
    typeof name === "string" && Object.hasOwn(ARCHITECTURES, name) ? ARCHITECTURES[name] : undefined;
  if (typeof name === "string" && found) return [name, found];
  throw new FusewireError(
    `${file} is of the architecture ${JSON.stringify(name ?? null)}, which is not read; ${Object.keys(ARCHITECTURES).join(", ")} are`,
  );
}

const asNumber = (value: GgufValue | undefined): number | undefined =>
  typeof value === "number" ? value : undefined;

/** config.json, as transformers makes it of the metadata. */
export function configOf(header: GgufHeader, file: string): JsonObject {
  const { metadata, tensors } = header;
  const [name, architecture] = architectureOf(header, file);
  const own = (key: string) => metadata.get(`${name}.${key}`);
  const config: Record<string, JsonValue> = { model_type: name, ...architecture.config };
  for (const [key, as] of Object.entries(KEYS)) {
    const value = asNumber(own(key));
    if (value !== undefined) config[as] = value;
  }
  for (const [as, key] of Object.entries(TOKENS)) {
    const value = asNumber(metadata.get(key));
    if (value !== undefined) config[as] = value;
  }
  // Most families' heads are rotated whole, so that the rotated part is the head.
  config.head_dim ??= asNumber(own("rope.dimension_count")) ?? null;
  config.vocab_size = tensors.get("token_embd.weight")?.shape[0] ?? asNumber(own("vocab_size")) ?? null;
  config.tie_word_embeddings = !tensors.has("output.weight");
  const scaling = ropeScaling(own, file);
  if (scaling) config.rope_scaling = scaling;
  return config;
}

function ropeScaling(own: (key: string) => GgufValue | undefined, file: string): JsonObject | undefined {
  const type = own("rope.scaling.type");
  if (type === undefined || type === "none") return undefined;
  const factor = asNumber(own("rope.scaling.factor"));
  if (type === "linear" && factor !== undefined) return { rope_type: "linear", factor };
  const original = asNumber(own("rope.scaling.original_context_length"));
  if (type === "yarn" && factor !== undefined && original !== undefined)
    return { rope_type: "yarn", factor, original_max_position_embeddings: original };
  throw new FusewireError(`${file} scales rotary positions by ${JSON.stringify(type)}, which is not read`);
}
