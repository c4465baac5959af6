import { FusewireError } from "@fusewire/ir";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { findJsonProblem, isInsideName, memoryFiles, readJson, readText } from "./index.ts";

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const withFile = (text: string) => memoryFiles({ "config.json": utf8(text) }, "'tiny'");

describe("memoryFiles", () => {
  test("reads ranges, and nothing outside the file", async () => {
    const source = await memoryFiles({ a: Uint8Array.of(1, 2, 3, 4) }).open("a");
    expect(source?.size).toBe(4);
    expect(await source?.read(1, 2)).toEqual(Uint8Array.of(2, 3));
    expect(await source?.read(4, 0)).toEqual(Uint8Array.of());
    for (const [offset, length] of [
      [3, 2],
      [-1, 1],
      [0, -1],
      [0.5, 1],
      [2 ** 60, 1],
    ] as const)
      await expect(source?.read(offset, length)).rejects.toThrow("of a: the file has 4 bytes");
  });

  test("a name that is not there gives undefined, one that leaves the directory an error", async () => {
    const files = memoryFiles({});
    expect(await files.open("b")).toBeUndefined();
    expect(await files.open("toString")).toBeUndefined();
    await expect(files.open("../b")).rejects.toThrow("'../b' is not a file name inside memory");
  });

  test("lists the files of a folder, not those of folders in it", async () => {
    const none = new Uint8Array();
    const files = memoryFiles({ "a/b": none, "a/c/d": none, ab: none });
    expect(await files.list?.("a")).toEqual(["b"]);
    expect(await files.list?.("b")).toEqual([]);
  });

  test("names stay inside", () => {
    for (const good of ["a", "a.b", "sub/a", "..a", "a.."]) expect(isInsideName(good), good).toBe(true);
    for (const bad of ["", "/a", "../a", "a/../b", "a/..", ".", "a\\b", "C:a", "a//b", "a/", "a\0"])
      expect(isInsideName(bad), bad).toBe(false);
  });
});

describe("readJson", () => {
  test("gives the object; a missing file is undefined or an error", async () => {
    expect(await readJson(withFile('\ufeff{"a": [1, null]}'), "config.json")).toEqual({ a: [1, null] });
    expect(await readJson(withFile(""), "tokenizer.json")).toBeUndefined();
    expect(await readText(withFile("x"), "other")).toBeUndefined();
    await expect(readJson(withFile(""), "tokenizer.json", { required: true })).rejects.toThrow(
      "'tiny' has no tokenizer.json; download it",
    );
  });

  test.each([
    ['{"a": 1,\n "b": }', 'config.json is not valid JSON: expected value, found "}" at line 2, column 7'],
    ['{"a": 1', "the text ends too early at line 1, column 8"],
    ["", "the text ends too early at line 1, column 1"],
    ['{"a": "b', "this string does not end at line 1, column 7"],
    ['{"a": tru}', 'expected value, found "t" at line 1, column 7'],
    ["{'a': 1}", 'expected key or }, found "\'" at line 1, column 2'],
    ["{} x", 'expected nothing more, found "x"'],
    ["[1]", "config.json holds a list, expected a JSON object"],
    ["null", "config.json holds null"],
    ["version https://git-lfs.github.com/spec/v1\noid", "config.json is a Git LFS pointer"],
  ])("%j", async (text, message) => {
    const failure = readJson(withFile(text), "config.json");
    await expect(failure).rejects.toThrow(message);
    await expect(failure).rejects.toBeInstanceOf(FusewireError);
  });

  test("bytes that are not UTF-8", async () => {
    const files = memoryFiles({ "config.json": Uint8Array.of(0x7b, 0xff, 0x7d) });
    await expect(readJson(files, "config.json")).rejects.toThrow("config.json is not UTF-8 text");
  });
});

describe("findJsonProblem", () => {
  test("finds none in what JSON.stringify writes", () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.constantFrom(undefined, 2, "\t"), (value, indent) => {
        expect(findJsonProblem(JSON.stringify(value, undefined, indent))).toBeUndefined();
      }),
    );
  });

  test("agrees with JSON.parse on damaged text", () => {
    fc.assert(
      fc.property(fc.json(), fc.nat(), fc.constantFrom(...'{}[]",:x0-e.\\\n'), (json, at, char) => {
        const i = at % (json.length + 1);
        const damaged = json.slice(0, i) + char + json.slice(i + 1);
        const problem = findJsonProblem(damaged);
        if (problem?.reason.includes("occurs twice")) return;
        let parses = true;
        try {
          JSON.parse(damaged);
        } catch {
          parses = false;
        }
        expect(problem === undefined, damaged).toBe(parses);
      }),
      { numRuns: 1000 },
    );
  });

  test("finds a repeated key in one object, however it is written", () => {
    expect(findJsonProblem('{"a": {"a": 1}, "b": [{"a": 1}, {"a": 2}]}')).toBeUndefined();
    expect(findJsonProblem('{"a": 1, "\\u0061": 2}')).toEqual({
      offset: 9,
      reason: 'the key "a" occurs twice',
    });
  });

  test("survives deep nesting", () => {
    expect(findJsonProblem("[".repeat(1e6))?.offset).toBe(1e6);
  });
});
