import { mkdir, mkdtemp, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FusewireError } from "@fusewire/ir";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readText } from "../files/index.ts";
import { openModelDirectory } from "./index.ts";

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "fusewire-"));
  await mkdir(join(root, "model", "sub"), { recursive: true });
  await writeFile(join(root, "model", "config.json"), "{}");
  await writeFile(join(root, "model", "sub", "data"), "0123456789");
  await mkdir(join(root, "empty"));
  await mkdir(join(root, "other"));
  await writeFile(join(root, "other", "readme.md"), "");
});
afterAll(() => rm(root, { recursive: true }));

test("lists the files of a folder", async () => {
  const files = await openModelDirectory(join(root, "model"));
  expect(await files.list?.("sub")).toEqual(["data"]);
  for (const none of ["config.json", "nothing"]) expect(await files.list?.(none)).toEqual([]);
  await expect(files.list?.("../other")).rejects.toThrow("'../other' is not a file name inside");
});

test("reads ranges of files in the directory", async () => {
  const files = await openModelDirectory(join(root, "model"));
  expect(await readText(files, "config.json")).toBe("{}");
  const source = await files.open("sub/data");
  expect(source?.size).toBe(10);
  expect(await source?.read(3, 4)).toEqual(new TextEncoder().encode("3456"));
  expect(await source?.read(10, 0)).toEqual(new Uint8Array());
  await expect(source?.read(8, 3)).rejects.toThrow("the file has 10 bytes");
  await source?.close();
});

test("a file that is not there, or is a directory, gives undefined", async () => {
  const files = await openModelDirectory(join(root, "model"));
  expect(await files.open("tokenizer.json")).toBeUndefined();
  expect(await files.open("sub")).toBeUndefined();
  expect(await files.open("config.json/x")).toBeUndefined();
});

test("a file that shrinks while it is read", async () => {
  const files = await openModelDirectory(join(root, "model"));
  await writeFile(join(root, "model", "shrinks"), "0123456789");
  const source = await files.open("shrinks");
  await truncate(join(root, "model", "shrinks"), 4);
  await expect(source?.read(0, 10)).rejects.toThrow("became shorter while it was read");
  await source?.close();
});

test.each([
  ["missing", "there is no model directory"],
  [join("model", "config.json"), "is a file; give the path of the directory that it is in"],
  ["empty", "has no config.json, so it is not a Hugging Face model directory; it holds nothing"],
  ["other", "it holds readme.md: give the directory that has config.json"],
])("%s", async (path, message) => {
  const failure = openModelDirectory(join(root, path));
  await expect(failure).rejects.toThrow(message);
  await expect(failure).rejects.toBeInstanceOf(FusewireError);
});

test("names cannot leave the directory", async () => {
  const files = await openModelDirectory(join(root, "model"));
  await expect(files.open("../other/readme.md")).rejects.toThrow(FusewireError);
});
