import { fileURLToPath } from "node:url";
import { FusewireError } from "@fusewire/ir";
import { describe, expect, test } from "vitest";
import { type JsonObject, memoryFiles } from "../files/index.ts";
import { openModelDirectory } from "../node/index.ts";
import { rawConfig, readConfig, readGenerationConfig, rotaryFrequencies } from "./index.ts";

const golden = (name: string) =>
  openModelDirectory(fileURLToPath(new URL(`../../../../test/goldens/models/${name}`, import.meta.url)));
const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const config = (values: JsonObject) => rawConfig({ model_type: "llama", ...values });

describe("readConfig", () => {
  test("reads a golden config.json", async () => {
    const llama = await readConfig(await golden("llama"));
    expect(llama.modelType).toBe("llama");
    expect(llama.architectures).toEqual(["LlamaForCausalLM"]);
    expect(llama.size("hidden_size")).toBe(64);
    expect(llama.number("rms_norm_eps")).toBe(1e-6);
    expect(llama.boolean("tie_word_embeddings")).toBe(false);
    expect(llama.string("hidden_act")).toBe("silu");
    expect(llama.storedDtype()).toBe("f32");
  });

  test("missing and broken files", async () => {
    await expect(readConfig(memoryFiles({}))).rejects.toThrow("memory has no config.json");
    await expect(readConfig(memoryFiles({ "config.json": utf8("{") }))).rejects.toThrow("not valid JSON");
    await expect(readConfig(memoryFiles({ "config.json": utf8("{}") }))).rejects.toThrow(
      "config.json has no 'model_type'; add it (expected a text)",
    );
  });
});

describe("accessors", () => {
  test("null counts as missing; a fallback may be undefined", () => {
    const it = config({ head_dim: null });
    expect(it.has("head_dim")).toBe(false);
    expect(it.size("head_dim", 16)).toBe(16);
    expect(it.size("head_dim", undefined)).toBeUndefined();
    expect(it.object("quantization_config", undefined)).toBeUndefined();
    expect(() => it.size("head_dim")).toThrow(
      "config.json has no 'head_dim'; add it (expected an integer >= 1)",
    );
    expect(it.has("toString")).toBe(false);
  });

  test.each<[string, (it: ReturnType<typeof config>) => unknown, string]>([
    ["size 0", (it) => it.size("zero"), "'zero' of config.json is 0, expected an integer >= 1; correct it"],
    ["size as text", (it) => it.size("text", 1), 'is the text "8", expected an integer >= 1'],
    ["fraction", (it) => it.size("half"), "is 0.5, expected an integer >= 1"],
    ["negative index", (it) => it.index("negative"), "is -1, expected an integer >= 0"],
    ["not positive", (it) => it.positive("zero"), "is 0, expected a number > 0"],
    ["number", (it) => it.number("list"), "is a list, expected a number"],
    ["boolean", (it) => it.boolean("zero"), "expected true or false"],
    ["string", (it) => it.string("zero"), "expected a text"],
    ["object", (it) => it.object("list"), "is a list, expected an object"],
  ])("%s", (_, read, message) => {
    const it = config({ zero: 0, text: "8", half: 0.5, negative: -1, list: [1] });
    expect(() => read(it)).toThrow(message);
    expect(() => read(it)).toThrow(FusewireError);
  });

  test("storedDtype in both spellings", () => {
    expect(config({}).storedDtype()).toBeUndefined();
    expect(config({ torch_dtype: "bfloat16" }).storedDtype()).toBe("bf16");
    expect(config({ torch_dtype: null, dtype: "torch.float16" }).storedDtype()).toBe("f16");
    expect(() => config({ dtype: "float8_e4m3fn" }).storedDtype()).toThrow(
      "'dtype' of config.json is 'float8_e4m3fn'; supported are float32, float16, bfloat16",
    );
  });
});

describe("ropeParameters", () => {
  test("goldens of transformers v4 and v5", async () => {
    expect((await readConfig(await golden("llama"))).ropeParameters()).toEqual({
      rope_type: "default",
      rope_theta: 10000,
      original_max_position_embeddings: 128,
    });
    expect((await readConfig(await golden("llama-rope-linear"))).ropeParameters()).toMatchObject({
      rope_type: "linear",
      rope_theta: 10000,
      factor: 2,
    });
    expect((await readConfig(await golden("llama-rope-llama3"))).ropeParameters()).toEqual({
      rope_type: "llama3",
      rope_theta: 10000,
      factor: 8,
      low_freq_factor: 1,
      high_freq_factor: 4,
      original_max_position_embeddings: 64,
    });
  });

  test("nothing said, and null", () => {
    const plain = { rope_type: "default", rope_theta: 10000 };
    expect(config({}).ropeParameters()).toEqual(plain);
    expect(config({ rope_scaling: null, rope_theta: null }).ropeParameters()).toEqual(plain);
    expect(config({ rope_theta: 5e5 }).ropeParameters().rope_theta).toBe(5e5);
  });

  // Frequencies of LlamaRotaryEmbedding of transformers 5.24, head_dim 16.
  const second = (values: JsonObject) =>
    rotaryFrequencies(config(values).ropeParameters(), 16).frequencies[1];

  test.each([
    [64, 0.2751745283603668],
    [undefined, 0.1902918815612793],
  ])("an original context of %s outside counts more than the one inside", (outer, frequency) => {
    const rope_parameters = {
      ...{ rope_type: "llama3", factor: 2, original_max_position_embeddings: 32 },
      ...{ low_freq_factor: 1, high_freq_factor: 4 },
    };
    const values = { rope_parameters, max_position_embeddings: 64 };
    expect(
      second(outer === undefined ? values : { ...values, original_max_position_embeddings: outer }),
    ).toBeCloseTo(frequency, 7);
  });

  // attention_scaling of LlamaRotaryEmbedding of transformers 5.24.
  test.each([
    [{ mscale: 1, mscale_all_dim: 0 }, 1.0693147180559945],
    [{ mscale: 0, mscale_all_dim: 0.5 }, 1.0693147180559945],
    [{ mscale: 1, mscale_all_dim: 0.5 }, 1.0334964601813261],
  ])("yarn: %j, where 0 is off", (scales, attentionScale) => {
    const rope_scaling = { rope_type: "yarn", factor: 2, original_max_position_embeddings: 32, ...scales };
    const rope = rotaryFrequencies(config({ rope_scaling }).ropeParameters(), 16);
    expect(rope.attentionScale).toBeCloseTo(attentionScale, 12);
  });

  test.each<[string, JsonObject, string]>([
    ["a list", { rope_scaling: [] }, "'rope_scaling' of config.json is a list"],
    [
      "layer types",
      { rope_parameters: { full_attention: {} } },
      "parameters of its own for 'full_attention' layers",
    ],
    ["type", { rope_parameters: { rope_type: 3 } }, "'rope_parameters.rope_type' of config.json is 3"],
    ["theta", { rope_theta: -1 }, "'rope_theta' of config.json is -1, expected a number > 0"],
    ["factor", { rope_scaling: { factor: "2" } }, "'rope_scaling.factor' of config.json is the text \"2\""],
  ])("%s", (_, values, message) => {
    expect(() => config(values).ropeParameters()).toThrow(message);
  });
});

describe("readGenerationConfig", () => {
  const read = (generation: string | undefined, values: string) =>
    readGenerationConfig(
      memoryFiles({
        "config.json": utf8(values),
        ...(generation === undefined ? {} : { "generation_config.json": utf8(generation) }),
      }),
    );

  test("known keys, without null; a golden one", async () => {
    expect(
      await read(
        '{"top_k": 5, "temperature": null, "_from_model_config": true, "eos_token_id": [1, 2]}',
        "{}",
      ),
    ).toEqual({ top_k: 5, eos_token_id: [1, 2] });
    expect(await readGenerationConfig(await golden("llama"))).toEqual({
      bos_token_id: 1,
      eos_token_id: 2,
      pad_token_id: 0,
      use_cache: true,
    });
  });

  test("token ids of config.json stand in where there is no generation_config.json", async () => {
    expect(await read(undefined, "{}")).toEqual({});
    expect(await read(undefined, '{"eos_token_id": 7, "top_k": 3}')).toEqual({ eos_token_id: 7 });
    expect(
      await read(undefined, '{"eos_token_id": [-1, 7], "pad_token_id": -1, "bos_token_id": [1, 2]}'),
    ).toEqual({
      eos_token_id: [7],
      bos_token_id: [1, 2],
    });
    const config = '{"eos_token_id": 7, "pad_token_id": 3}';
    expect(await read('{"eos_token_id": null}', config)).toEqual({});
    expect(await read("{}", config)).toEqual({});
  });

  test("what says 'off': -1 alone or in a list", async () => {
    expect(await read('{"top_k": -1, "eos_token_id": [-1], "suppress_tokens": [-1]}', "{}")).toEqual({
      top_k: -1,
    });
  });

  test("wrong types", async () => {
    await expect(read('{"top_k": 1.5}', "{}")).rejects.toThrow(
      "'top_k' of generation_config.json is 1.5, expected an integer",
    );
    await expect(read(undefined, '{"eos_token_id": "x"}')).rejects.toThrow(
      "'eos_token_id' of config.json is the text \"x\", expected a token id or a list of them",
    );
    await expect(read("[", "{}")).rejects.toThrow("generation_config.json is not valid JSON");
  });
});
