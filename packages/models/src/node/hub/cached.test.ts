import { lstat, mkdir, readFile, stat, symlink, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { FusewireError } from "@fusewire/ir";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { readText } from "../../files/index.ts";
import type { HubOptions } from "../../hub/index.ts";
import { COMMIT, FILES, MODEL, newFolder, QUICK, WEIGHTS } from "../testing/hub-fixture.ts";
import { type FakeHub, gitSha1, sha256, startHub } from "../testing/hub-server.ts";
import { openHubModel } from "./index.ts";

let hub: FakeHub;
let folder: Awaited<ReturnType<typeof newFolder>>;
let repo: string;
beforeAll(async () => {
  hub = await startHub({ "org/tiny": MODEL });
});
afterAll(() => hub.close());
beforeEach(async () => {
  for (const name of ["HF_TOKEN", "HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "FUSEWIRE_OFFLINE"])
    vi.stubEnv(name, "");
  folder = await newFolder();
  vi.stubEnv("HF_HOME", folder.path);
  repo = join(folder.path, "hub", "models--org--tiny");
  hub.requests.length = 0;
  hub.faults.clear();
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await folder.remove();
});

const open = (options: HubOptions = {}, name = "org/tiny") =>
  openHubModel(name, { endpoint: hub.url, ...options }, QUICK);
const filePaths = () => hub.requests.filter(({ path }) => !path.startsWith("/api")).map(({ path }) => path);
const HASH = sha256(WEIGHTS);

describe("damaged files", () => {
  const blob = () => join(repo, "blobs", HASH);
  const damage = async (keepTime: boolean) => {
    const { atime, mtime } = await stat(blob());
    const bytes = Uint8Array.from(WEIGHTS);
    bytes[1000]! ^= 1;
    await writeFile(blob(), bytes);
    if (keepTime) await utimes(blob(), atime, mtime);
  };
  const fetches = () => hub.requests.filter(({ host }) => host === "cdn").length;
  const isRight = async () =>
    (await readFile(join(repo, "snapshots", COMMIT, "model.safetensors"))).equals(WEIGHTS);

  test("other bytes of the same size are found when the file is opened, and fetched again", async () => {
    await (await open()).download();
    await damage(false);
    await (await (await open()).open("model.safetensors"))?.close();
    expect(fetches()).toBe(2);
    expect(await isRight()).toBe(true);
    expect((await lstat(join(repo, "snapshots", COMMIT, "model.safetensors"))).isSymbolicLink()).toBe(true);
  });

  test("another size is found, and so is a lost blob", async () => {
    await (await open()).download();
    await writeFile(blob(), WEIGHTS.subarray(1));
    await (await open()).download();
    expect(await isRight()).toBe(true);
    expect(fetches()).toBe(2);
  });

  test("damage that left no trace is found by repair", async () => {
    await (await open()).download();
    await damage(true);
    const noted = JSON.parse(await readFile(join(repo, ".fusewire", `${HASH}.json`), "utf8"));
    await writeFile(
      join(repo, ".fusewire", `${HASH}.json`),
      JSON.stringify({ ...noted, mtimeMs: (await stat(blob())).mtimeMs }),
    );
    const model = await open();
    await model.download();
    expect(fetches(), "not seen").toBe(1);
    expect(await model.repair(), "not opened").toEqual([]);
    await (await model.open("model.safetensors"))?.close();
    expect(await model.repair()).toEqual(["model.safetensors"]);
    expect(await model.repair("all")).toEqual([]);
    expect(fetches()).toBe(2);
    expect(await isRight()).toBe(true);
  });

  test("offline, the damage is named", async () => {
    await (await open()).download();
    await damage(false);
    const model = await open({ local_files_only: true });
    await expect(model.open("model.safetensors")).rejects.toThrow(
      /damaged.*local_files_only is set; run 'fusewire pull org\/tiny' where/,
    );
  });
});

describe("offline", () => {
  test.each([
    ["local_files_only", { local_files_only: true }, {}],
    ["HF_HUB_OFFLINE", {}, { HF_HUB_OFFLINE: "1" }],
    ["TRANSFORMERS_OFFLINE", {}, { TRANSFORMERS_OFFLINE: "1" }],
    ["FUSEWIRE_OFFLINE", {}, { FUSEWIRE_OFFLINE: "yes" }],
  ])("%s takes what is cached and asks nothing", async (name, options, env) => {
    for (const [key, value] of Object.entries(env)) vi.stubEnv(key, value);
    const failure = open(options);
    await expect(failure).rejects.toThrow(
      `'org/tiny' is not in '${join(folder.path, "hub")}' and ${name} is set; run 'fusewire pull org/tiny' where the hub can be reached`,
    );
    await expect(failure).rejects.toBeInstanceOf(FusewireError);
    for (const key of Object.keys(env)) vi.stubEnv(key, "");
    await readText(await open(), "config.json");
    for (const [key, value] of Object.entries(env)) vi.stubEnv(key, value);
    hub.requests.length = 0;
    const model = await open(options);
    expect(await readText(model, "config.json")).toBe('{"model_type": "llama"}');
    await expect(model.open("model.safetensors")).rejects.toThrow(
      `model.safetensors of 'org/tiny' is not in`,
    );
    await expect(model.download()).rejects.toThrow("is not in");
    expect(await model.open("generation_config.json")).toBeUndefined();
    await expect(open({ ...options, revision: "v1.0" })).rejects.toThrow(
      "run 'fusewire pull org/tiny --revision v1.0'",
    );
    expect(hub.requests).toEqual([]);
  });

  test("as in huggingface_hub, TRANSFORMERS_OFFLINE counts only where HF_HUB_OFFLINE is not set", async () => {
    vi.stubEnv("TRANSFORMERS_OFFLINE", "1");
    vi.stubEnv("HF_HUB_OFFLINE", "0");
    expect(await readText(await open(), "config.json")).toBe('{"model_type": "llama"}');
  });

  test("a hub that cannot be reached is as good as offline, after one attempt", async () => {
    await readText(await open(), "config.json");
    hub.faults.set("api", [{ status: 503 }]);
    const model = await open();
    expect(await readText(model, "config.json")).toBe('{"model_type": "llama"}');
    await expect(model.open("tokenizer.json")).rejects.toThrow("and the hub cannot be reached");
  });

  test("refusals are not taken for a missing network", async () => {
    await readText(await open(), "config.json");
    hub.faults.set("api", [{ status: 403 }]);
    await expect(open()).rejects.toThrow("(403)");
  });

  test("finds what Python put there, checks it by the name of its blob, and does not miss what is not there", async () => {
    const snapshot = join(repo, "snapshots", COMMIT);
    await mkdir(join(repo, "blobs"), { recursive: true });
    await mkdir(join(repo, "refs"));
    await mkdir(snapshot, { recursive: true });
    for (const name of ["config.json", "model.safetensors"]) {
      const bytes = FILES[name]!;
      const hash = name === "config.json" ? gitSha1(bytes) : sha256(bytes);
      await writeFile(join(repo, "blobs", hash), bytes);
      await symlink(`../../blobs/${hash}`, join(snapshot, name));
    }
    await writeFile(join(repo, "refs", "main"), COMMIT);
    const model = await open({ local_files_only: true });
    expect(await readText(model, "config.json")).toBe('{"model_type": "llama"}');
    const weights = await model.open("model.safetensors");
    expect(weights?.size).toBe(WEIGHTS.byteLength);
    await weights?.close();
    expect(await model.open("tokenizer.json")).toBeUndefined();
    await expect(model.open("model-00001-of-00002.safetensors")).rejects.toThrow("fusewire pull");
    await writeFile(join(repo, "blobs", HASH), WEIGHTS.toReversed());
    await expect(model.open("model.safetensors")).rejects.toThrow("damaged");
    expect(hub.requests).toEqual([]);
    await (await open()).download();
    expect(filePaths(), "the sound config.json is kept").not.toContain(
      `/org/tiny/resolve/${COMMIT}/config.json`,
    );
  });
});
