/** Models of known shapes whose weights are noise: as fast as trained ones, and nothing has to be downloaded. */
import type { ByteSource, ModelFiles } from "@fusewire/models";

const LLAMA = {
  architectures: ["LlamaForCausalLM"],
  model_type: "llama",
  hidden_act: "silu",
  attention_bias: false,
  mlp_bias: false,
  bos_token_id: 1,
  eos_token_id: 2,
  rms_norm_eps: 1e-5,
  rope_theta: 100000,
  tie_word_embeddings: true,
  torch_dtype: "bfloat16",
};

interface Shape {
  readonly hidden_size: number;
  readonly intermediate_size: number;
  readonly num_hidden_layers: number;
  readonly num_attention_heads: number;
  readonly num_key_value_heads: number;
  readonly vocab_size: number;
  readonly max_position_embeddings: number;
}

/** SmolLM2-135M, Llama 3.2 1B without its scaled positions, and one that a software adapter runs in seconds. */
export const SHAPES: Readonly<Record<string, Shape>> = {
  "smollm2-135m": {
    hidden_size: 576,
    intermediate_size: 1536,
    num_hidden_layers: 30,
    num_attention_heads: 9,
    num_key_value_heads: 3,
    vocab_size: 49152,
    max_position_embeddings: 8192,
  },
  "llama-1b": {
    hidden_size: 2048,
    intermediate_size: 8192,
    num_hidden_layers: 16,
    num_attention_heads: 32,
    num_key_value_heads: 8,
    vocab_size: 128256,
    max_position_embeddings: 8192,
  },
  tiny: {
    hidden_size: 128,
    intermediate_size: 256,
    num_hidden_layers: 4,
    num_attention_heads: 4,
    num_key_value_heads: 2,
    vocab_size: 1024,
    max_position_embeddings: 2048,
  },
};

/** The shape as files of a model in bf16. Weights come from a block that repeats, so that none of them is held. */
export function randomModel(name: string): ModelFiles {
  const shape = SHAPES[name];
  if (!shape)
    throw new Error(`--shape: there is no '${name}'; choose one of ${Object.keys(SHAPES).join(", ")}`);
  const config = new TextEncoder().encode(JSON.stringify({ ...LLAMA, ...shape }));
  const weights = noise(tensorsOf(shape));
  return {
    location: `random weights of the shape '${name}'`,
    async open(file) {
      if (file === "config.json") return bytesOf(config);
      return file === "model.safetensors" ? weights : undefined;
    },
  };
}

function tensorsOf(shape: Shape): [name: string, shape: number[]][] {
  const { hidden_size: width, intermediate_size: inner, num_attention_heads: heads } = shape;
  const keys = (width / heads) * shape.num_key_value_heads;
  const layer = (k: number): [string, number[]][] =>
    [
      [`input_layernorm.weight`, [width]],
      [`self_attn.q_proj.weight`, [width, width]],
      [`self_attn.k_proj.weight`, [keys, width]],
      [`self_attn.v_proj.weight`, [keys, width]],
      [`self_attn.o_proj.weight`, [width, width]],
      [`post_attention_layernorm.weight`, [width]],
      [`mlp.gate_proj.weight`, [inner, width]],
      [`mlp.up_proj.weight`, [inner, width]],
      [`mlp.down_proj.weight`, [width, inner]],
    ].map(([name, dims]) => [`model.layers.${k}.${name as string}`, dims as number[]]);
  return [
    ["model.embed_tokens.weight", [shape.vocab_size, width]],
    ...Array.from({ length: shape.num_hidden_layers }, (_, k) => layer(k)).flat(),
    ["model.norm.weight", [width]],
  ];
}

const bytesOf = (bytes: Uint8Array): ByteSource => ({
  size: bytes.length,
  read: async (offset, length) => bytes.subarray(offset, offset + length),
  close: async () => undefined,
});

/** A safetensors file of bf16 tensors: 8 bytes with the length of the header, the header, the data. */
function noise(tensors: readonly (readonly [name: string, shape: readonly number[]])[]): ByteSource {
  let end = 0;
  const entries = tensors.map(([name, shape]) => {
    const start = end;
    end += 2 * shape.reduce((product, size) => product * size, 1);
    return [name, { dtype: "BF16", shape, data_offsets: [start, end] }];
  });
  const text = JSON.stringify(Object.fromEntries(entries));
  const header = new TextEncoder().encode(text.padEnd(8 * Math.ceil(text.length / 8)));
  const head = new Uint8Array(8 + header.length);
  new DataView(head.buffer).setBigUint64(0, BigInt(header.length), true);
  head.set(header, 8);
  const block = smallNumbers(1 << 20);
  return {
    size: head.length + end,
    async read(offset, length) {
      const out = new Uint8Array(length);
      for (let k = 0; k < length; ) {
        const at = offset + k;
        const source =
          at < head.length ? head.subarray(at) : block.subarray((at - head.length) % block.length);
        const part = source.subarray(0, length - k);
        out.set(part, k);
        k += part.length;
      }
      return out;
    },
    close: async () => undefined,
  };
}

/** bf16 numbers of either sign between 2^-6 and 2^-5. */
function smallNumbers(count: number): Uint8Array {
  const words = new Uint16Array(count);
  let state = 1;
  for (let k = 0; k < count; k++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    words[k] = 0x3c80 | ((state >>> 16) & 0x807f);
  }
  return new Uint8Array(words.buffer);
}
