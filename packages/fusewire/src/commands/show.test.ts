import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openModelDirectory } from "@fusewire/models/node";
import { expect, onTestFinished, test } from "vitest";
import { main } from "../cli.ts";
import { type ModelFacts, readFacts } from "../show/facts.ts";
import { brokenModel, withValues } from "../testing/broken.ts";
import { tinyHub } from "../testing/hub.ts";
import { fusewire, goldenModel, testIo } from "../testing/run.ts";

async function facts(...argv: readonly string[]): Promise<ModelFacts> {
  const { code, stdout, stderr } = await fusewire("show", ...argv, "--json");
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return JSON.parse(stdout) as ModelFacts;
}

test("the embedded model, in numbers", async () => {
  expect(await facts()).toEqual({
    location: "'tales'",
    support: { supported: true },
    config: {
      architecture: "LlamaForCausalLM",
      layers: 6,
      width: 192,
      inner: 512,
      heads: 6,
      key_value_heads: 3,
      vocabulary: 4096,
      positions: 1024,
    },
    weights: {
      parameters: 3_221_952,
      bytes: 6_443_904,
      tensors: 56,
      dtypes: { bf16: { tensors: 56, parameters: 3_221_952, bytes: 6_443_904 } },
    },
    tokenizer: {
      tokens: 4096,
      special: {
        bos: { token: "<|endoftext|>", id: 0 },
        eos: { token: "<|im_end|>", id: 3 },
        pad: { token: "<|pad|>", id: 1 },
      },
      other: ["<|im_start|>"],
      chat_template: expect.stringContaining("<|im_start|>assistant"),
    },
    generation: { bos_token_id: 0, eos_token_id: [3, 0], pad_token_id: 1 },
    memory: {
      weights: 6_443_904,
      weights_float32: 12_887_808,
      positions: 1024,
      // 6 layers, keys and values of 3 heads of 32 floats, and the ids; then the row's length and whether it has ended.
      cache_per_1000_tokens: 1000 * (6 * 2 * 3 * 32 * 4 + 4) + 8,
      cache_full: 1024 * (6 * 2 * 3 * 32 * 4 + 4) + 8,
      fits: expect.arrayContaining(
        ["float32", "bfloat16", "q8", "q4"].map((dtype) =>
          expect.objectContaining({ device: "wasm", dtype, capacity: 1024, parameters: 3_221_952 }),
        ),
      ),
    },
  });
});

test("the memory of caches that are kept in fewer bits", async () => {
  const perToken = (memory: ModelFacts["memory"]) => (memory!.cache_per_1000_tokens - 8) / 1000 - 4;
  const halves = await facts("--cache-dtype", "float16");
  expect(perToken(halves.memory)).toBe(6 * 2 * 3 * 32 * 2);
  // A byte each, and a scale for the 32 of a head.
  const bytes = await facts("--cache-dtype", "int8");
  expect(perToken(bytes.memory)).toBe(6 * 2 * 3 * (32 + 4));
});

test("a page of 40 columns for people", async () => {
  for (const model of ["tales", goldenModel("gemma2"), goldenModel("opt")]) {
    const io = testIo({ columns: 40 });
    expect(await main(["show", model], io)).toBe(0);
    const { stdout } = io.read();
    for (const label of ["architecture", "parameters", "weights", "memory", "generation"])
      expect(stdout).toMatch(new RegExp(`^${label}\\b`, "m"));
    // A path is one word and stays whole.
    for (const line of stdout.split("\n").filter((one) => !one.includes("/")))
      expect(line.length).toBeLessThanOrEqual(40);
  }
});

test("what does not fit is said for each way to keep weights", async () => {
  const { stdout } = await fusewire("show", "--max-memory", "9MB", "--context", "512");
  expect(stdout).toMatch(/^float32 .*\n {2}does not fit: max_memory$/m);
  expect(stdout).not.toMatch(/^q4 .*\n {2}does not fit/m);
});

test("a sliding window costs a ring, not the whole length", async () => {
  const { config, memory } = await facts(goldenModel("mistral-window"));
  expect(config.window).toBeGreaterThan(0);
  expect(memory?.cache_full).toBe(memory?.cache_per_1000_tokens);
  expect((await facts(goldenModel("mistral-full"))).config.window).toBeUndefined();
});

test("shards are one model, and its weights are counted where they are", async () => {
  const one = await facts(goldenModel("llama"));
  const { weights } = await facts(goldenModel("llama-sharded"));
  expect("parameters" in weights && weights.parameters).toBeGreaterThan(0);
  expect("parameters" in one.weights && one.weights.parameters).toBe(117_056);
});

test.each<[string, Readonly<Record<string, unknown>>, string]>([
  ["an architecture", { model_type: "mamba" }, "the architecture 'mamba' is not supported"],
  ["experts", { num_local_experts: 8 }, "'num_local_experts' asks for a mixture of experts"],
  ["sizes", { hidden_size: 100, head_dim: 16 }, "weight '"],
])("%s that does not run here is shown with the reason", async (_, values, reason) => {
  const folder = await brokenModel("config.json", withValues(values));
  onTestFinished(() => rm(folder, { recursive: true }));
  const shown = await facts(folder);
  expect(shown.support).toEqual({ supported: false, refused: expect.stringContaining(reason) });
  expect(shown).not.toHaveProperty("memory");
  expect("parameters" in shown.weights && shown.weights.parameters).toBe(117_056);
  expect((await fusewire("show", folder)).stdout).toMatch(/^runs here +no: /m);
});

test("files by strangers are shown as text", async () => {
  const evil = "\u001b]0;owned\u0007{{ messages }}\r\u001b[2J";
  const folder = await brokenModel("tokenizer_config.json", withValues({ chat_template: evil }));
  onTestFinished(() => rm(folder, { recursive: true }));
  const { stdout } = await fusewire("show", folder);
  expect(stdout).toContain("{{ messages }}");
  expect(stdout).not.toMatch(/[^\P{Cc}\n]/u);
});

test("reads headers alone", async () => {
  const files = await openModelDirectory(goldenModel("llama"));
  let read = 0;
  await readFacts({
    ...files,
    async open(name) {
      const source = await files.open(name);
      if (!source || !name.endsWith(".safetensors")) return source;
      return {
        ...source,
        read(offset, length) {
          read += length;
          return source.read(offset, length);
        },
      };
    },
  });
  expect(read).toBeGreaterThan(0);
  expect(read).toBeLessThan(24_000);
});

test("a model of the hub is read by ranges; once it is in the cache, from there", async () => {
  const cache = await mkdtemp(join(tmpdir(), "fusewire-show-"));
  onTestFinished(() => rm(cache, { recursive: true, force: true }));
  const size = (await stat(join(goldenModel("llama"), "model.safetensors"))).size;
  // Padded with the tensor of a tied head, so that the file has several chunks.
  const hub = await tinyHub(cache, (files) => ({
    ...files,
    "model.safetensors": grown(files["model.safetensors"]!),
  }));
  const shown = await facts("org/tiny");
  expect(shown).toMatchObject({ location: "'org/tiny'", support: { supported: true } });
  expect("parameters" in shown.weights && shown.weights.parameters).toBe(117_056);
  const cdn = hub.requests.filter(({ host }) => host === "cdn");
  expect(cdn.length).toBeGreaterThan(0);
  expect(cdn.every(({ range }) => range?.startsWith("bytes=0-"))).toBe(true);
  await expect(stat(join(cache, "models--org--tiny", "blobs"))).rejects.toThrow();
  expect(size).toBeLessThan(2 ** 20);

  expect((await fusewire("pull", "org/tiny")).code).toBe(0);
  await hub.close();
  expect(await facts("org/tiny")).toEqual(shown);
});

/** The file with four megabytes of a tensor that tied models have no use for. */
function grown(file: Uint8Array): Uint8Array {
  const view = new DataView(file.buffer, file.byteOffset);
  const length = Number(view.getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(file.subarray(8, 8 + length))) as Record<
    string,
    unknown
  >;
  const data = file.subarray(8 + length);
  const extra = new Uint8Array(4 * 2 ** 20);
  header["model.layers.0.self_attn.rotary_emb.inv_freq"] = {
    dtype: "F32",
    shape: [extra.byteLength / 4],
    data_offsets: [data.byteLength, data.byteLength + extra.byteLength],
  };
  const text = new TextEncoder().encode(JSON.stringify(header));
  const start = new Uint8Array(8);
  new DataView(start.buffer).setBigUint64(0, BigInt(text.byteLength), true);
  return new Uint8Array(Buffer.concat([start, text, data, extra]));
}

test.each([
  [["nowhere"], "there is no model directory 'nowhere'"],
  [["tales", "--revision", "v1"], "'revision' is for models of the hub"],
  [["org/none"], "there is no model 'org/none' at "],
  [["org/none"], "; nor is there a folder 'org/none'"],
  [["a", "--model", "b"], "'a' and --model 'b' are two models; give one"],
])("%j is refused", async (argv, message) => {
  const cache = await mkdtemp(join(tmpdir(), "fusewire-show-"));
  onTestFinished(() => rm(cache, { recursive: true, force: true }));
  await tinyHub(cache);
  const { code, stderr } = await fusewire("show", ...argv);
  expect(stderr).toContain(message);
  expect(code).toBe(1);
});
