/** What llama.cpp calls a module, and what Hugging Face does. */
const MODULES: Readonly<Record<string, string>> = {
  attn_q: "self_attn.q_proj",
  attn_k: "self_attn.k_proj",
  attn_v: "self_attn.v_proj",
  attn_qkv: "self_attn.qkv_proj",
  attn_output: "self_attn.o_proj",
  attn_q_norm: "self_attn.q_norm",
  attn_k_norm: "self_attn.k_norm",
  ffn_gate: "mlp.gate_proj",
  ffn_up: "mlp.up_proj",
  ffn_down: "mlp.down_proj",
  attn_norm: "input_layernorm",
  ffn_norm: "post_attention_layernorm",
};

/** Norms on both sides of each part, as Gemma 2 has them. */
const BOTH_SIDES: Readonly<Record<string, string>> = {
  ...MODULES,
  post_attention_norm: "post_attention_layernorm",
  ffn_norm: "pre_feedforward_layernorm",
  post_ffw_norm: "post_feedforward_layernorm",
};

const OUTSIDE: Readonly<Record<string, string>> = {
  token_embd: "model.embed_tokens",
  output_norm: "model.norm",
  output: "lm_head",
};

/** Families that are read, by `general.architecture`. */
export interface Architecture {
  readonly modules: Readonly<Record<string, string>>;
  /** Whether the rows of q and k pair neighbours, where the graph pairs halves of a head. */
  readonly paired?: boolean;
  /** Whether norms are kept with 1 added to them. */
  readonly shifted?: boolean;
  /** What config.json has beside what the file says. */
  readonly config?: Readonly<Record<string, string>>;
}

const PHI3 = { ...MODULES, ffn_up: "mlp.gate_up_proj" };
const GEMMA = { hidden_activation: "gelu_pytorch_tanh" };

export const ARCHITECTURES: Readonly<Record<string, Architecture>> = {
  llama: { modules: MODULES, paired: true },
  qwen2: { modules: MODULES },
  qwen3: { modules: MODULES },
  phi3: { modules: PHI3 },
  gemma: { modules: MODULES, shifted: true, config: GEMMA },
  gemma2: { modules: BOTH_SIDES, shifted: true, config: GEMMA },
};

/** The name of a tensor in a Hugging Face checkpoint; undefined for one that no family reads. */
export function nameOf(tensor: string, { modules }: Architecture): string | undefined {
  const match = /^(?:blk\.(\d+)\.)?([a-z_]+)\.(weight|bias)$/.exec(tensor);
  const [, layer, module, leaf] = match ?? [];
  if (module === undefined) return undefined;
  const found = (layer === undefined ? OUTSIDE : modules)[module];
  if (found === undefined) return undefined;
  return layer === undefined ? `${found}.${leaf}` : `model.layers.${layer}.${found}.${leaf}`;
}
