import { expect, test } from "vitest";
import { CTRL_C, script } from "../testing/run.ts";
import { readMessage } from "./read.ts";

const message = (text: string, plain: boolean) => ({ kind: "message", text, plain });

test.each<[string, readonly string[], object]>([
  ["a line", ["hello "], message("hello", true)],
  ["a line that goes on", ["one\\", "two \\", "three"], message("one\ntwo \nthree", false)],
  ["lines between fences", ['"""', "one", "  two", '"""'], message("one\n  two", false)],
  ["fences beside text", ['"""one', 'two"""'], message("one\ntwo", false)],
  ["fences on one line", ['"""/help"""'], message("/help", false)],
  ["a fence that stays open", ['"""', "one"], message("one", false)],
  ["a backslash before the end", ["one\\"], message("one", false)],
  ["the end", [], { kind: "end" }],
])("%s", async (_, lines, expected) => {
  const reader = script(lines);
  expect(await readMessage(reader)).toEqual(expected);
  expect(await readMessage(reader)).toEqual({ kind: "end" });
});

test("the prompt tells that a message goes on", async () => {
  const reader = script(["one\\", "two", '"""', "three", '"""']);
  await readMessage(reader);
  await readMessage(reader);
  expect(reader.prompts).toEqual([">>> ", "... ", ">>> ", "... ", "... "]);
});

test.each<[readonly (string | typeof CTRL_C)[]]>([[["one\\", CTRL_C]], [['"""', "one", CTRL_C]]])(
  "Ctrl+C drops what was begun: %j",
  async (steps) => {
    expect(await readMessage(script(steps))).toEqual({ kind: "interrupt", dropped: true });
  },
);
