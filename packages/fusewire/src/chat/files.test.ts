import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { loadConversation, pathOf, saveConversation } from "./files.ts";

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "fusewire-talk-"));
});
afterAll(() => rm(root, { recursive: true }));

const MESSAGES = [{ role: "user", content: "Hällo\n日本" }];

test("what is saved is loaded, and a bare list of messages is as well", async () => {
  const path = join(root, "a.json");
  await saveConversation(path, MESSAGES, false);
  expect(await loadConversation(path)).toEqual(MESSAGES);
  await expect(saveConversation(path, [], false)).rejects.toThrow("exists already; give another name");
  await saveConversation(path, [], true);
  expect(await loadConversation(path)).toEqual([]);
  await writeFile(path, JSON.stringify(MESSAGES));
  expect(await loadConversation(path)).toEqual(MESSAGES);
});

test.each([
  ["{", "is not JSON"],
  ["{}", "has no list of messages"],
  ["null", "has no list of messages"],
  ['[{"role":"user","content":"a"},{"role":"user"}]', "message 1 of"],
  ['[{"role":"user","content":[]}]', "lacks a 'role' or a 'content' that is text"],
])("%s is refused", async (text, message) => {
  const path = join(root, "bad.json");
  await writeFile(path, text);
  await expect(loadConversation(path)).rejects.toThrow(message);
});

test("~ is the home folder, as in a shell", () => {
  expect(pathOf("~/a.json")).toBe(join(homedir(), "a.json"));
  expect(pathOf("a~/b")).toBe("a~/b");
});
