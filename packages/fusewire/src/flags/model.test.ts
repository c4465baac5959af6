import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readConfig } from "@fusewire/models";
import { expect, onTestFinished, test } from "vitest";
import { tinyHub } from "../testing/hub.ts";
import { goldenModel } from "../testing/run.ts";
import { openModelFlag } from "./model.ts";

async function widthOf(model?: string): Promise<number> {
  return (await readConfig(await openModelFlag(model === undefined ? {} : { model }))).size("hidden_size");
}

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "fusewire-model-"));
  onTestFinished(() => rm(path, { recursive: true, force: true }));
  return path;
}

test("no name, embedded names and folders", async () => {
  expect(await widthOf()).toBe(192);
  expect(await widthOf("tales")).toBe(192);
  expect(await widthOf("tales-draft")).toBe(64);
  expect(await widthOf(goldenModel("llama"))).toBe(64);
  await expect(widthOf("tale")).rejects.toThrow("there is no model directory 'tale'");
});

test("a folder goes before an embedded name and before the hub", async () => {
  const here = process.cwd();
  const root = await folder();
  await tinyHub(await folder());
  await cp(goldenModel("gemma"), join(root, "tales"), { recursive: true });
  await cp(goldenModel("gemma"), join(root, "org", "tiny"), { recursive: true });
  const gemma = await widthOf(goldenModel("gemma"));
  try {
    process.chdir(root);
    expect([await widthOf("tales"), await widthOf("org/tiny")]).toEqual([gemma, gemma]);
  } finally {
    process.chdir(here);
  }
  expect(await widthOf("org/tiny")).toBe(64);
});

test("offline and not cached is an error that names the way out", async () => {
  await tinyHub(await folder());
  process.env.HF_HUB_OFFLINE = "1";
  await expect(widthOf("org/tiny")).rejects.toThrow(
    /HF_HUB_OFFLINE is set; run 'fusewire pull org\/tiny'.*nor is there a folder 'org\/tiny'/,
  );
});
