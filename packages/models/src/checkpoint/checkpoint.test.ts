import { fileURLToPath } from "node:url";
import { FusewireError, formatType, toValue } from "@fusewire/ir";
import { describe, expect, test } from "vitest";
import { type ByteSource, type ModelFiles, memoryFiles } from "../files/index.ts";
import { openModelDirectory } from "../node/index.ts";
import { encodeSafetensors, openCheckpoint } from "./index.ts";

const golden = (name: string): string =>
  fileURLToPath(new URL(`../../../../test/goldens/models/${name}`, import.meta.url));

const utf8 = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
const shard = (...names: string[]): Uint8Array =>
  encodeSafetensors(new Map(names.map((name, i) => [name, toValue({ dtype: "f32", shape: [1] }, [i])])));

const INDEX = "model.safetensors.index.json";
const sharded = (weight_map: unknown, shards: Record<string, Uint8Array>): ModelFiles =>
  memoryFiles({ [INDEX]: utf8({ metadata: {}, weight_map }), ...shards }, "'tiny'");

describe("golden directories", () => {
  test("shards hold the same tensors as one file would", async () => {
    const checkpoint = await openCheckpoint(await openModelDirectory(golden("llama-sharded")));
    const names = checkpoint.names();
    expect(names).toContain("model.layers.1.mlp.down_proj.weight");
    for (const name of names) {
      const value = await checkpoint.read(name);
      expect(value.type).toEqual(checkpoint.type(name));
      expect(value.data.some((x) => x !== 0)).toBe(true);
    }
    expect(formatType(checkpoint.type("lm_head.weight")!)).toBe("f32[320,64]");
    expect(checkpoint.type("model.layers.99.mlp.down_proj.weight")).toBeUndefined();
    await checkpoint.close();
  });

  test("bf16 weights stay bf16", async () => {
    const checkpoint = await openCheckpoint(await openModelDirectory(golden("llama-bf16")));
    expect(checkpoint.type("model.norm.weight")).toEqual({ dtype: "bf16", shape: [64] });
    expect((await checkpoint.read("model.norm.weight")).data).toBeInstanceOf(Uint16Array);
    await checkpoint.close();
  });
});

test("one file wins over an index", async () => {
  const files = sharded({ other: "x" }, { "model.safetensors": shard("w") });
  expect((await openCheckpoint(files)).names()).toEqual(["w"]);
});

test("a tensor that is not there", async () => {
  const checkpoint = await openCheckpoint(memoryFiles({ "model.safetensors": shard("w") }, "'tiny'"));
  await expect(checkpoint.read("v")).rejects.toThrow("the checkpoint in 'tiny' has no tensor 'v'; check");
});

describe("directories that are refused", () => {
  test.each<[string, ModelFiles, string]>([
    ["no weights", memoryFiles({}, "'tiny'"), "'tiny' has neither model.safetensors nor"],
    ["pickled weights", memoryFiles({ "pytorch_model.bin": utf8(0) }), "in pytorch_model.bin only; convert"],
    [
      "missing shard",
      sharded({ a: "1.safetensors" }, {}),
      "'tiny' has no 1.safetensors, which model.safetensors.index.json names for tensor 'a'",
    ],
    [
      "traversal",
      sharded({ a: "../x.safetensors" }, {}),
      "puts tensor 'a' into the text \"../x.safetensors\"",
    ],
    ["absolute path", sharded({ a: "/x.safetensors" }, {}), "expected a file inside the model directory"],
    ["shard not text", sharded({ a: 1 }, {}), "puts tensor 'a' into 1"],
    ["no weight_map", sharded(undefined, {}), "weight_map of model.safetensors.index.json is missing"],
    ["weight_map a list", sharded([], {}), "is a list, expected an object"],
    ["weight_map empty", sharded({}, {}), "is empty"],
    ["broken index", memoryFiles({ [INDEX]: new TextEncoder().encode("{") }), "is not valid JSON"],
    [
      "damaged shard",
      sharded({ a: "1.safetensors" }, { "1.safetensors": shard("a").slice(0, -1) }),
      "tensor 'a' of 1.safetensors ends at byte",
    ],
  ])("%s", async (_, files, message) => {
    const failure = openCheckpoint(files);
    await expect(failure).rejects.toThrow(message);
    await expect(failure).rejects.toBeInstanceOf(FusewireError);
  });
});

test("every file is closed, after use and after an error", async () => {
  let opened = 0;
  const counting = (inner: ModelFiles): ModelFiles => ({
    location: inner.location,
    async open(name) {
      const source: ByteSource | undefined = await inner.open(name);
      if (!source) return undefined;
      opened++;
      return {
        size: source.size,
        read: source.read,
        async close() {
          opened--;
        },
      };
    },
  });
  const map = { a: "1.safetensors", b: "2.safetensors" };
  const good = { "1.safetensors": shard("a"), "2.safetensors": shard("b") };
  const checkpoint = await openCheckpoint(counting(sharded(map, good)));
  expect(opened).toBe(2);
  await checkpoint.close();
  expect(opened).toBe(0);
  await expect(
    openCheckpoint(counting(sharded(map, { ...good, "2.safetensors": new Uint8Array(9) }))),
  ).rejects.toThrow();
  expect(opened).toBe(0);
});

test("shards count, whatever the index says: too much, too little, or another shard", async () => {
  const map = { a: "2.safetensors", b: "2.safetensors", gone: "1.safetensors" };
  const checkpoint = await openCheckpoint(
    sharded(map, { "1.safetensors": shard("a", "more"), "2.safetensors": shard("b") }),
  );
  expect(checkpoint.names().sort()).toEqual(["a", "b", "more"]);
  expect(checkpoint.type("gone")).toBeUndefined();
  expect((await checkpoint.read("a")).type.dtype).toBe("f32");
  await checkpoint.close();
});
