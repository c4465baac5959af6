import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { type FakeHub, startHub } from "@fusewire/models/testing";
import { onTestFinished, vi } from "vitest";
import { goldenModel } from "./run.ts";

export const COMMIT = "c".repeat(40);

/** The files of a folder, by name. */
export async function readFolder(folder: string): Promise<Record<string, Uint8Array>> {
  const names = await readdir(folder);
  return Object.fromEntries(
    await Promise.all(names.map(async (name) => [name, new Uint8Array(await readFile(join(folder, name)))])),
  );
}

/** A hub with the model `org/tiny`, for the rest of the test; the cache is `cache`, and no token is at hand. */
export async function tinyHub(
  cache: string,
  change: (files: Record<string, Uint8Array>) => Record<string, Uint8Array> = (files) => files,
): Promise<FakeHub> {
  const files = change(await readFolder(goldenModel("llama")));
  const hub = await startHub({ "org/tiny": { revisions: { main: COMMIT }, commits: { [COMMIT]: files } } });
  vi.stubEnv("HF_ENDPOINT", hub.url);
  vi.stubEnv("HF_HUB_CACHE", cache);
  vi.stubEnv("HF_TOKEN_PATH", join(cache, "no-token"));
  for (const name of [
    "HF_TOKEN",
    "HUGGING_FACE_HUB_TOKEN",
    "HF_HUB_OFFLINE",
    "TRANSFORMERS_OFFLINE",
    "FUSEWIRE_OFFLINE",
  ])
    vi.stubEnv(name, "");
  onTestFinished(async () => {
    vi.unstubAllEnvs();
    await hub.close();
  });
  return hub;
}
