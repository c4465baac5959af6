import { mkdtemp, open, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { estimateMemory, readMemorySource } from "@fusewire/generate";
import { memoryFiles } from "@fusewire/models";
import { expect, onTestFinished, test } from "vitest";
import { main } from "../cli.ts";
import { fusewire, testIo } from "../testing/run.ts";

const MISTRAL = {
  model_type: "mistral",
  architectures: ["MistralForCausalLM"],
  vocab_size: 32000,
  hidden_size: 4096,
  intermediate_size: 14336,
  num_hidden_layers: 32,
  num_attention_heads: 32,
  num_key_value_heads: 8,
  head_dim: 128,
  max_position_embeddings: 32768,
  tie_word_embeddings: false,
  torch_dtype: "bfloat16",
};
const OPT = { do_layer_norm_before: true, vocab_size: 50272, max_position_embeddings: 2048 };

async function folderWith(config: object): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "fusewire-estimate-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  await writeFile(join(folder, "config.json"), JSON.stringify(config));
  return folder;
}

// model.num_parameters() of transformers 5.24 for a model that is made from the configuration.
test.each<[string, Readonly<Record<string, unknown>>, number]>([
  ["Mistral-7B", MISTRAL, 7_241_732_096],
  [
    "Llama-3.2-1B",
    {
      ...{ ...MISTRAL, model_type: "llama", architectures: ["LlamaForCausalLM"], vocab_size: 128256 },
      ...{ hidden_size: 2048, intermediate_size: 8192, num_hidden_layers: 16, num_key_value_heads: 8 },
      ...{ head_dim: 64, tie_word_embeddings: true },
    },
    1_235_814_400,
  ],
  [
    "gemma-2b",
    {
      ...{ ...MISTRAL, model_type: "gemma", architectures: ["GemmaForCausalLM"], vocab_size: 256000 },
      ...{ hidden_size: 2048, intermediate_size: 16384, num_hidden_layers: 18, num_attention_heads: 8 },
      ...{ num_key_value_heads: 1, head_dim: 256, tie_word_embeddings: true },
    },
    2_506_172_416,
  ],
  [
    "opt-125m",
    {
      ...{ ...OPT, model_type: "opt", hidden_size: 768, num_hidden_layers: 12, ffn_dim: 3072 },
      ...{ word_embed_proj_dim: 768, num_attention_heads: 12 },
    },
    125_239_296,
  ],
])("the parameters of %s come from its config.json", async (_, config, parameters) => {
  const bytes = new TextEncoder().encode(JSON.stringify(config));
  const source = await readMemorySource(memoryFiles({ "config.json": bytes }));
  expect(estimateMemory(source).parameters).toBe(parameters);
});

test("the figures of well-known tables for Mistral-7B, and what they leave out", async () => {
  const folder = await folderWith(MISTRAL);
  const { stdout } = await fusewire("estimate", folder, "--dtype", "q8", "--train", "adamw", "--json");
  const { parameters, parameters_without_lm_head: rest, training, from } = JSON.parse(stdout);
  expect({ from, training }).toEqual({ from: "config.json", training: 115_867_713_536 });
  // Weights in 16 bits with lm_head.
  expect(((2 * parameters) / 2 ** 30).toFixed(2)).toBe("13.49");
  // Without it, and with the cosines and sines of 32768 positions that each layer once had, in the same dtype.
  const tables = 32 * 2 * 32768 * 128;
  expect(((2 * (rest + tables)) / 2 ** 30).toFixed(2)).toBe("13.74");
  expect(((rest + tables) / 2 ** 30).toFixed(2)).toBe("6.87");
});

test("a table of 40 columns says what does not fit, and why", async () => {
  const io = testIo({ columns: 40 });
  const folder = await folderWith(MISTRAL);
  expect(await main(["estimate", folder, "--dtype", "bfloat16"], io)).toBe(0);
  const { stdout } = io.read();
  expect(stdout).toMatch(/^ +GiB +GiB +GiB +GB$/m);
  expect(stdout).toContain("does not fit: WebAssembly addresses 4");
  for (const line of stdout.split("\n").filter((one) => !one.includes("/")))
    expect(line.length).toBeLessThanOrEqual(40);
});

test("what a model may take is a limit as well", async () => {
  expect((await fusewire("estimate", "--max-memory", "1MB")).stdout).toContain("does not fit: max_memory");
  expect((await fusewire("estimate", "--max-memory", "100MB")).stdout).not.toContain("does not fit");
});

test("a model that does not fit is refused before any of its weights is read", async () => {
  const folder = await folderWith(MISTRAL);
  const source = await readMemorySource(
    memoryFiles({ "config.json": new TextEncoder().encode(JSON.stringify(MISTRAL)) }),
  );
  const path = join(folder, "model.safetensors");
  const end = await writeHeader(path, source.shapes);
  // All zeros, and none of them on the disk: reading them would take minutes.
  await truncate(path, end);
  const { code, stderr } = await fusewire("generate", folder, "--input-ids", "[[1,2]]", "--device", "wasm");
  expect({ code, stderr }).toEqual({
    code: 1,
    stderr: expect.stringMatching(/^error: .* more bytes are needed, and of the 4 GiB .* choose a smaller/),
  });
});

/** Writes the header of a file of bfloat16 weights; the bytes that the file is to have. */
async function writeHeader(
  path: string,
  params: ReadonlyMap<string, { readonly shape: readonly number[] }>,
): Promise<number> {
  let at = 0;
  const entries = [...params].map(([name, { shape }]) => {
    const begin = at;
    at += 2 * shape.reduce((product, size) => product * size, 1);
    return [name, { dtype: "BF16", shape, data_offsets: [begin, at] }];
  });
  const header = new TextEncoder().encode(JSON.stringify(Object.fromEntries(entries)));
  const length = new Uint8Array(8);
  new DataView(length.buffer).setBigUint64(0, BigInt(header.byteLength), true);
  const file = await open(path, "w");
  await file.write(length);
  await file.write(header);
  await file.close();
  return 8 + header.byteLength + at;
}

test.each([
  [["--dtype", "q8", "--quantization", "q4"], "--dtype and --quantization exclude each other"],
  [["--context", "5000"], "5000 tokens are more than the 1024 positions of the model"],
  [["--cache", "int9"], "--cache must be one of float32, float16, int8, not 'int9'"],
  [["--max-memory", "lots"], 'a size such as "6GiB"'],
])("%j is refused", async (flags, message) => {
  const { code, stderr } = await fusewire("estimate", ...flags);
  expect(stderr).toContain(message);
  expect(code).toBe(1);
});
