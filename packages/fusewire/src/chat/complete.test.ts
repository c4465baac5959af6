import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { complete } from "./complete.ts";

test.each<[string, readonly string[], string]>([
  ["/re", ["/reset", "/retry"], "/re"],
  ["/set repetition", ["repetition_penalty"], "repetition"],
  ["/set temperature 0.", [], "/set temperature 0."],
  ["/reset x", [], "/reset x"],
  ["hello", [], "hello"],
  ["", [], ""],
])("%j goes on as %j", (line, found, part) => {
  expect(complete(line)).toEqual([found, part]);
});

test("files and folders after /save and /load", async () => {
  const folder = await mkdtemp(join(tmpdir(), "fusewire-complete-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  await writeFile(join(folder, "talk one.json"), "");
  await mkdir(join(folder, "talks"));
  const path = join(folder, "ta");
  expect(complete(`/load ${path}`)).toEqual([[join(folder, "talk one.json"), join(folder, "talks/")], path]);
  expect(complete(`/save ${folder}/`)[0]).toHaveLength(2);
  expect(complete(`/load ${join(folder, "none", "x")}`)).toEqual([[], join(folder, "none", "x")]);
});
