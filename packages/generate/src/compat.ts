/**
 * Hugging Face arguments that are not built: one table for validation and for docs/compatibility.md. Those that are built
 * are in `OPTIONS` of generate() and `PRETRAINED_OPTIONS` of the package fusewire; what is in no table is an error.
 */

/** An argument under its Hugging Face name. */
export interface CompatArgument {
  readonly meaning: string;
  /** Values that are accepted though they do nothing; any other value is refused with the meaning as the reason. */
  readonly accepts?: readonly unknown[];
}

/** Ways of generating that transformers moved out of its core, and others that are not built: they would change tokens. */
const REMOVED: Readonly<Record<string, CompatArgument>> = {
  constraints: { accepts: [], meaning: "constrained beam search is not built" },
  diversity_penalty: { accepts: [0], meaning: "group beam search is not built" },
  dola_layers: { accepts: [], meaning: "DoLa decoding is not built" },
  force_words_ids: { accepts: [], meaning: "constrained beam search is not built" },
  num_beam_groups: { accepts: [1], meaning: "group beam search is not built" },
  penalty_alpha: { accepts: [0], meaning: "contrastive search is not built" },
  token_healing: { accepts: [false], meaning: "token healing is not built" },
};

/** Arguments of generate() that change nothing at these values and are refused otherwise. */
export const GENERATE_COMPAT: Readonly<Record<string, CompatArgument>> = {
  output_attentions: { accepts: [false], meaning: "attention weights are never stored" },
  output_hidden_states: { accepts: [false], meaning: "`forward` returns hidden states, not `generate`" },
  return_dict_in_generate: {
    accepts: [false, true],
    meaning: "the result always is an object with sequences and stats",
  },
  use_cache: { accepts: [true, false], meaning: "generation always uses the cache, which changes no token" },
  ...REMOVED,
};

/** Arguments of caches that change nothing at these values and are refused otherwise. */
export const CACHE_COMPAT: Readonly<Record<string, CompatArgument>> = {
  axis_key: { meaning: "each token and head has one scale, so there are no axes to choose" },
  axis_value: { meaning: "each token and head has one scale, so there are no axes to choose" },
  backend: { accepts: ["quanto", "hqq"], meaning: "keys and values are quantized by the kernels themselves" },
  batch_size: { meaning: "the older name of `max_batch_size`" },
  nbits: { accepts: [8], meaning: "keys and values are kept in 8 bits" },
  offload_only_non_sliding: { accepts: [true, false], meaning: "nothing is offloaded" },
  offloading: { accepts: [false], meaning: "one device holds the whole cache" },
  q_group_size: { meaning: "each token and head has one scale, so there are no groups" },
  residual_length: { meaning: "each token is quantized once, when it is written" },
};

/** Arguments of from_pretrained that are accepted for code that is carried over, or refused with a reason. */
export const FROM_PRETRAINED_COMPAT: Readonly<Record<string, CompatArgument>> = {
  device_map: {
    accepts: ["auto"],
    meaning: "the device is chosen by `device`; one device holds the whole model",
  },
  low_cpu_mem_usage: { accepts: [true, false], meaning: "weights always stream, one tensor at a time" },
  proxies: {
    meaning:
      "requests take the proxy that HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY name, as in Python; the certificate of one that reads along is named by NODE_EXTRA_CA_CERTS",
  },
  quantization_config: {
    meaning:
      "weights are quantized while loading by `dtype`; what config.json of a quantized checkpoint says is read",
  },
  trust_remote_code: { accepts: [false], meaning: "code that comes with a model is never run" },
  use_fast: { accepts: [true], meaning: "tokenizers always are the fast ones" },
  use_safetensors: { accepts: [true], meaning: "weights are read from safetensors only" },
};

/** Whether an argument may be given this value although nothing is built for it. */
export const isAccepted = (
  table: Readonly<Record<string, CompatArgument>>,
  name: string,
  value: unknown,
): boolean =>
  Object.hasOwn(table, name) &&
  (value === null || (table[name]?.accepts ?? []).some((accepted) => accepted === value));
