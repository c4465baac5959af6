import { FusewireError } from "@fusewire/ir";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { readText } from "../../files/index.ts";
import { type HubOptions, openRemoteModel } from "../../hub/index.ts";
import { createKeeper } from "../../kept/index.ts";
import { memoryStore } from "../../kept/testing/memory-store.ts";
import { MODEL, noise, OTHER_COMMIT, QUICK, WEIGHTS } from "../testing/hub-fixture.ts";
import { type FakeHub, startHub } from "../testing/hub-server.ts";

const NAME = "model.safetensors";
const CHUNK = 100_000;

let hub: FakeHub;
beforeAll(async () => {
  hub = await startHub({ "org/tiny": MODEL });
});
afterAll(() => hub.close());
beforeEach(() => {
  hub.requests.length = 0;
  hub.faults.clear();
});

const open = async (options: HubOptions = {}, store = memoryStore()) =>
  openRemoteModel(
    "org/tiny",
    { endpoint: hub.url, ...options },
    { transport: QUICK, chunkBytes: CHUNK, keeper: createKeeper("org/tiny", store) },
  );
const ranges = () => hub.requests.filter(({ host }) => host === "cdn").map(({ range }) => range);
const readWeights = async (model: Awaited<ReturnType<typeof open>>, at: number, length: number) => {
  const source = await model.open(NAME);
  const bytes = await source?.read(at, length);
  return bytes && Buffer.from(bytes).equals(WEIGHTS.subarray(at, at + length));
};

describe("openRemoteModel", () => {
  test("reads files by chunks, and each chunk once", async () => {
    const store = memoryStore();
    const model = await open({}, store);
    expect(await readText(model, "config.json")).toBe('{"model_type": "llama"}');
    expect(await readText(model, "empty.txt")).toBe("");
    expect(await readWeights(model, 150_000, 20_000)).toBe(true);
    expect(ranges()).toEqual(["bytes=100000-199999"]);
    expect(await readWeights(model, 0, WEIGHTS.byteLength)).toBe(true);
    expect(await readWeights(await open({ revision: "v1.0" }, store), 50_000, 200_000)).toBe(true);
    expect(ranges()).toEqual(["bytes=100000-199999", "bytes=0-99999", "bytes=200000-299999"]);
    expect(await model.open("generation_config.json")).toBeUndefined();
    expect(await model.open("pytorch_model.bin")).toBeUndefined();
  });

  test("takes a revision", async () => {
    expect(await readText(await open({ revision: OTHER_COMMIT }), "config.json")).toContain("opt");
  });

  test("works without a cache", async () => {
    const setup = { transport: QUICK, chunkBytes: CHUNK };
    const model = await openRemoteModel("org/tiny", { endpoint: hub.url, cache: false }, setup);
    for (const _ of [1, 2]) expect(await readWeights(model, 0, WEIGHTS.byteLength)).toBe(true);
    expect(ranges(), "in memory").toHaveLength(3);
    expect(model.notices?.()).toEqual([]);
  });

  test("drops the files that no revision has any more", async () => {
    const store = memoryStore();
    await readWeights(await open({ revision: "v1.0" }, store), 0, 10);
    await store.write("an older file", "0-1", "x");
    await open({}, store);
    const folders = await store.folders();
    expect(folders).not.toContain("an older file");
    expect(folders).toHaveLength(2);
  });

  test("a second visit without a network finds what the first one read", async () => {
    const store = memoryStore();
    await readWeights(await open({}, store), 0, 10);
    hub.requests.length = 0;
    const model = await open({ local_files_only: true }, store);
    expect(await readWeights(model, 10, 1000)).toBe(true);
    await expect(readWeights(model, CHUNK, 1)).rejects.toThrow("is not in the cache of this page");
    expect(hub.requests).toEqual([]);
    await expect(open({ local_files_only: true })).rejects.toThrow(
      "'org/tiny' is not in the cache of this page",
    );
    hub.faults.set("api", [{ status: 500 }, { status: 500 }, { status: 500 }]);
    expect(await readWeights(await open({}, store), 10, 1000)).toBe(true);
  });

  test("survives cuts, and refuses wrong bytes and servers without ranges", async () => {
    const model = await open();
    hub.faults.set(NAME, [{ cutAfter: 1000 }, { status: 502 }]);
    expect(await readWeights(model, 0, 10)).toBe(true);
    hub.faults.set(NAME, [{ ignoreRange: true }]);
    await expect(readWeights(model, CHUNK, 1)).rejects.toThrow("ignores ranges");
    hub.faults.set("config.json", [{ bytes: noise(23, 4) }]);
    const failure = readText(model, "config.json");
    await expect(failure).rejects.toThrow("config.json of 'org/tiny' is not what the hub states");
    await expect(failure).rejects.toBeInstanceOf(FusewireError);
    expect(await readText(model, "config.json"), "a failure is not kept").toContain("llama");
  });

  test("has no folder", async () => {
    await expect(open({ cache_dir: "/x" })).rejects.toThrow(
      "'cache_dir' is a folder, which a page does not have",
    );
  });
});
