import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ModelFiles, memoryFiles } from "@fusewire/models";
import { embeddedModel, openModelDirectory } from "@fusewire/models/node";
import { afterAll, beforeAll, expect, test } from "vitest";
import { AutoModelForCausalLM, AutoTokenizer } from "./auto.ts";

const COMMIT = "0123456789abcdef0123456789abcdef01234567";
const NAME = "org/tales";

let cache_dir: string;
let blobs: string;
beforeAll(async () => {
  // The layout that Python's huggingface_hub makes; all blobs named as those of large files, by sha256.
  cache_dir = await mkdtemp(join(tmpdir(), "fusewire-cache-"));
  const repo = join(cache_dir, "models--org--tales");
  blobs = join(repo, "blobs");
  const snapshot = join(repo, "snapshots", COMMIT);
  for (const folder of [blobs, join(repo, "refs"), snapshot]) await mkdir(folder, { recursive: true });
  await writeFile(join(repo, "refs", "main"), COMMIT);
  const model = embeddedModel("tales");
  for (const entry of await readdir(model, { withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const bytes = await readFile(join(model, entry.name));
    const hash = createHash("sha256").update(bytes).digest("hex");
    await writeFile(join(blobs, hash), bytes);
    await symlink(join("..", "..", "blobs", hash), join(snapshot, entry.name));
  }
});
afterAll(() => rm(cache_dir, { recursive: true }));

const offline = () => ({ cache_dir, local_files_only: true, device: "wasm" as const });

test("a model of the hub loads from a cache that Python filled, and tells of its files", async () => {
  const told = new Set<string>();
  const model = await AutoModelForCausalLM.from_pretrained(NAME, {
    ...offline(),
    progress_callback: (progress) => told.add("file" in progress ? progress.file : "a weight"),
  });
  const { device: _, ...options } = offline();
  const tokenizer = await AutoTokenizer.from_pretrained(NAME, options);
  const { sequences } = await model.generate(tokenizer("Once upon a time"), { max_new_tokens: 2 });
  expect(sequences[0]?.length).toBeGreaterThan(2);
  expect(told).toContain("config.json");
  expect(told).toContain("model.safetensors");
  expect(told).toContain("a weight");
  await model.dispose();
});

test("a damaged file is found, and offline an error", async () => {
  const link = join(cache_dir, "models--org--tales", "snapshots", COMMIT, "model.safetensors");
  const bytes = await readFile(link);
  bytes[bytes.length - 1]! ^= 1;
  await writeFile(link, bytes);
  await expect(AutoModelForCausalLM.from_pretrained(NAME, offline())).rejects.toThrow(
    /damaged.*run 'fusewire pull org\/tales'/,
  );
});

test.each<[string, object, string]>([
  [
    "org/other",
    {},
    "run 'fusewire pull org/other' where the hub can be reached; nor is there a folder 'org/other'",
  ],
  ["no-folder", {}, "there is no model directory 'no-folder'"],
  [tmpdir(), { revision: "main" }, "'revision' is for models of the hub (owner/name), not for the folder"],
  [NAME, { revison: "main" }, "'revison': not an option"],
  [NAME, { token: 1 }, "'token' is number"],
])("%s %j", async (source, options, message) => {
  const given = { ...offline(), ...options };
  await expect(AutoModelForCausalLM.from_pretrained(source, given)).rejects.toThrow(message);
});

test("what does not load is repaired once, if that finds damage", async () => {
  const folder = await openModelDirectory(embeddedModel("tales"));
  const damaged = memoryFiles({ "tokenizer.json": new Uint8Array(9) });
  for (const mends of [true, false]) {
    let repairs = 0;
    const files: ModelFiles = {
      location: "'org/tales'",
      open: (name) => (name === "tokenizer.json" && !(repairs && mends) ? damaged : folder).open(name),
      repair: async () => (repairs++ === 0 ? ["tokenizer.json"] : []),
    };
    const loading = AutoTokenizer.from_pretrained(files);
    if (mends) expect((await loading)("Once").input_ids.length).toBeGreaterThan(0);
    else await expect(loading).rejects.toThrow("tokenizer.json is not valid JSON");
    expect(repairs).toBe(1);
  }
});

test("max_memory and threads reach the engine, and are refused where they mean nothing", async () => {
  const load = (options: Parameters<typeof AutoModelForCausalLM.from_pretrained>[1]) =>
    AutoModelForCausalLM.from_pretrained(embeddedModel("tales"), options);
  await expect(load({ device: "wasm", max_memory: "1MiB" })).rejects.toThrow(
    /more bytes are needed, and max_memory leaves \d+; raise it/,
  );
  const model = await load({ device: "wasm", max_memory: "64MiB", threads: 1 });
  expect(model.runtime.engine).toMatchObject({ threads: 1 });
  await expect(
    model.generate({ input_ids: [...new Array(32)].map(() => [1, 2]) }, { max_new_tokens: 1000 }),
  ).rejects.toThrow("max_memory leaves");
  await model.dispose();
  await expect(load({ device: "interpreter", threads: 2 })).rejects.toThrow("threads is for device 'wasm'");
  await expect(load({ device: "eager:cpu", max_memory: 1 })).rejects.toThrow(
    "max_memory is for devices 'wasm' and 'webgpu'",
  );
});
