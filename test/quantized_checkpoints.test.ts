/** Checkpoints of few bits: the weights that they stand for, and what the models say, against Hugging Face's numbers. */
import { readdirSync, readFileSync } from "node:fs";
import { castValue, floats, type Value } from "@fusewire/ir";
import {
  type Checkpoint,
  encodeSafetensors,
  memoryFiles,
  openCheckpoint,
  rawConfig,
  readQuantized,
} from "@fusewire/models";
import { describe, expect, test } from "vitest";
import { withModel } from "./support/engines.ts";
import { goldenPath } from "./support/goldens.ts";
import { inputsOf, largestDifference, numbers, openArrays, readGolden } from "./support/read.ts";
import { describeShared } from "./support/shared.ts";

interface Case {
  readonly method: string;
  readonly case: string;
  readonly weights?: string;
  readonly in_features: number;
}

interface Expected {
  readonly batch: { readonly input_ids: number[][]; readonly decode_input_ids: number[] };
  readonly left_padded: { readonly input_ids: number[][]; readonly attention_mask: number[][] };
  readonly greedy: { readonly max_new_tokens: number; readonly new_tokens: number[][] };
}

const bytesOf = (path: string): Uint8Array => new Uint8Array(readFileSync(path));
const open = (path: string): Promise<Checkpoint> =>
  openCheckpoint(memoryFiles({ "model.safetensors": bytesOf(path) }));

/** The tensors of a checkpoint that begin so, under a layer's name. */
function layerOf(checkpoint: Checkpoint, prefix: string): Checkpoint {
  const full = (name: string) => `${prefix}${name.slice("layer.".length)}`;
  const has = new Set(checkpoint.names());
  return {
    ...checkpoint,
    names: () =>
      [...has].filter((name) => name.startsWith(prefix)).map((name) => `layer.${name.slice(prefix.length)}`),
    type: (name) => (has.has(full(name)) ? checkpoint.type(full(name)) : undefined),
    entry: (name) => checkpoint.entry(full(name)),
    read: (name) => checkpoint.read(full(name)),
    readBytes: (name, from, length) => checkpoint.readBytes(full(name), from, length),
  };
}

/** Quanto names its types otherwise in layers than in config.json. */
const settingsOf = ({ method, weights, ...rest }: Case) => ({
  ...rest,
  quant_method: method,
  ...(weights && { weights: weights.startsWith("qfloat8") ? "float8" : weights.slice(1) }),
});

function expectWeight(actual: Value, expected: Value): void {
  expect(actual.type.shape).toEqual(expected.type.shape);
  expect(largestDifference(floats(actual), [...floats(castValue(expected, "f32"))])).toBeLessThan(1e-6);
}

const LAYERS = readGolden<readonly Case[]>(goldenPath("quantization", "layers.json"));

test.each(LAYERS.map((layer) => [layer.method, layer.case, layer] as const))(
  "%s %s",
  async (method, name, layer) => {
    const all = await open(goldenPath("quantization", "layers.safetensors"));
    const config = rawConfig({
      ...{ model_type: "llama", hidden_size: layer.in_features },
      quantization_config: settingsOf(layer),
    });
    const read = await readQuantized(layerOf(all, `${method}/${name}/checkpoint.`), config);
    expectWeight(await read.read("layer.weight"), await all.read(`${method}/${name}/dequantized`));
    expect(read.names().filter((one) => one !== "layer.weight" && one !== "layer.bias")).toEqual([]);
  },
);

describe.each(["interpreter", "eager:cpu", "wasm", "webgpu"])("models on %s", (device) => {
  const folder = goldenPath("quantization");
  const names = readdirSync(folder, { withFileTypes: true }).filter(
    (entry) => entry.isDirectory() && entry.name !== "gguf",
  );
  test.each(names.map(({ name }) => name))("%s", (name) => expectModel(`${folder}/${name}`, device));
});

async function expectModel(directory: string, device: string): Promise<void> {
  const expected = readGolden<Expected>(`${directory}/expected.json`);
  const arrays = await openArrays(`${directory}/expected.safetensors`);
  await withModel(directory, device, async (model) => {
    const { logits } = await model.forward(inputsOf(expected.batch));
    expect(largestDifference(floats(logits), await numbers(arrays("batch.logits")))).toBeLessThan(3e-4);
    const { max_new_tokens, new_tokens } = expected.greedy;
    const result = await model.generate(inputsOf(expected.left_padded), { max_new_tokens, eos_token_id: [] });
    expect(result.new_tokens).toEqual(new_tokens);
  });
}

describeShared("every quantized model of the whole set", ["goldens/quantization/models"], (folder) => {
  // The family of gpt-oss is not built: its weights alone are compared.
  test.each(readdirSync(folder))("%s", async (name) => {
    const config = rawConfig(readGolden(`${folder}/${name}/config.json`));
    const read = await readQuantized(await open(`${folder}/${name}/model.safetensors`), config);
    const expected = await open(`${folder}/${name}/expected.safetensors`);
    const prefix = "dequantized.";
    const weights = expected.names().filter((one) => one.startsWith(prefix));
    expect(weights.length).toBeGreaterThan(3);
    for (const weight of weights)
      expectWeight(
        castValue(await read.read(weight.slice(prefix.length)), "f32"),
        await expected.read(weight),
      );
    if (name !== "mxfp4") await expectModel(`${folder}/${name}`, "wasm");
  });
});

test.each([
  [{ quant_method: "hqq" }, 'quant_method "hqq" is not read; bitsandbytes, gptq, awq,'],
  [{ quant_method: "gptq", bits: 5 }, "bits 5 is not read; 2, 3, 4, 8 are"],
  [{ quant_method: "gptq", checkpoint_format: "marlin" }, 'checkpoint_format "marlin" is not read'],
  [{ quant_method: "awq", version: "exllama" }, 'version "exllama" is not read; "gemm", "gemv" are'],
  [{ quant_method: "compressed-tensors", format: "marlin-24" }, 'format "marlin-24" is not read'],
  [{ quant_method: "quanto", activations: "int8" }, 'activations "int8" is not read'],
  [{ quant_method: "fp8", weight_block_size: [128] }, "weight_block_size is [128], expected two sizes"],
])("%j is refused by name", async (quantization_config, message) => {
  const weights = encodeSafetensors(new Map());
  const checkpoint = await openCheckpoint(memoryFiles({ "model.safetensors": weights }));
  const config = rawConfig({ model_type: "llama", quantization_config });
  await expect(readQuantized(checkpoint, config)).rejects.toThrow(message);
});
