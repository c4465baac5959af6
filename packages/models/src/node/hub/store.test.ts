import { lstat, mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { COMMIT, newFolder } from "../testing/hub-fixture.ts";
import { hubSettings } from "./settings.ts";
import {
  blobPath,
  linkedHash,
  PLACERS,
  placeBlob,
  type RepoStore,
  repoStore,
  snapshotPath,
} from "./store.ts";

const HASH = "c".repeat(64);

let folder: Awaited<ReturnType<typeof newFolder>>;
let store: RepoStore;
beforeEach(async () => {
  folder = await newFolder();
  store = await repoStore(folder.path, "org/tiny");
  await mkdir(join(store.root, "blobs"), { recursive: true });
  await writeFile(blobPath(store, HASH), "bytes");
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await folder.remove();
});

describe("placeBlob", () => {
  const path = () => snapshotPath(store, COMMIT, "sub/a.json");
  const fails = () => Promise.reject(Object.assign(new Error("no links here"), { code: "EPERM" }));

  test("makes a relative link, in place of whatever was there", async () => {
    await mkdir(snapshotPath(store, COMMIT, "sub"), { recursive: true });
    await writeFile(path(), "old");
    await placeBlob(store, HASH, COMMIT, "sub/a.json");
    expect(await readFile(path(), "utf8")).toBe("bytes");
    expect(await linkedHash(path())).toBe(HASH);
  });

  test("makes a hard link where links fail, and a copy where both do", async () => {
    await placeBlob(store, HASH, COMMIT, "sub/a.json", [fails, ...PLACERS.slice(1)]);
    expect((await lstat(path())).ino).toBe((await stat(blobPath(store, HASH))).ino);
    await placeBlob(store, HASH, COMMIT, "sub/a.json", [fails, fails, ...PLACERS.slice(2)]);
    expect((await lstat(path())).ino).not.toBe((await stat(blobPath(store, HASH))).ino);
    expect(await readFile(path(), "utf8")).toBe("bytes");
    await expect(placeBlob(store, HASH, COMMIT, "sub/a.json", [fails])).rejects.toThrow("cannot write");
  });
});

describe("the cache's folder", () => {
  const NAMES = ["HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HOME", "XDG_CACHE_HOME"];

  test.each<[Record<string, string>, string]>([
    [{}, join(homedir(), ".cache", "huggingface", "hub")],
    [{ XDG_CACHE_HOME: "/x" }, "/x/huggingface/hub"],
    [{ XDG_CACHE_HOME: "/x", HF_HOME: "/h" }, "/h/hub"],
    [{ HF_HOME: "~/h" }, join(homedir(), "h", "hub")],
    [{ HF_HOME: "/h", HF_HUB_CACHE: "/c" }, "/c"],
  ])("%j: %s", async (env, expected) => {
    for (const name of NAMES) vi.stubEnv(name, env[name]);
    expect((await hubSettings({ token: false })).cacheDir).toBe(expected);
    expect((await hubSettings({ token: false, cache_dir: "/mine" })).cacheDir).toBe("/mine");
  });

  test("the endpoint comes from HF_ENDPOINT, and an option wins", async () => {
    vi.stubEnv("HF_ENDPOINT", "https://mirror.example/");
    expect((await hubSettings({ token: false })).endpoint).toBe("https://mirror.example");
    expect((await hubSettings({ token: false, endpoint: "http://own:8080" })).endpoint).toBe(
      "http://own:8080",
    );
    vi.stubEnv("HF_ENDPOINT", "");
    expect((await hubSettings({ token: false })).endpoint).toBe("https://huggingface.co");
  });
});
