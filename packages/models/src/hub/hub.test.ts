import { describe, expect, test } from "vitest";
import { decodeTree, encodeTree, type HubFile } from "./listing.ts";
import { assertRevision, isRepoId } from "./repo.ts";
import { isReadable, wantedFiles } from "./wanted.ts";

test("names of repositories", () => {
  for (const good of ["gpt2", "org/name", "HuggingFaceTB/SmolLM2-135M", "a/b.c_d-e", "_a/b_"])
    expect(isRepoId(good), good).toBe(true);
  for (const bad of [
    "",
    "/",
    "a/",
    "/a",
    "a/b/c",
    "../a",
    "a/..",
    "a/b..c",
    "a/b--c",
    "-a/b",
    "a/b.",
    "a b",
    "a/b.git",
  ])
    expect(isRepoId(bad), bad).toBe(false);
});

test("revisions", () => {
  for (const good of ["main", "v1.0", "refs/pr/3", "feature/x", "abc1234"]) assertRevision(good);
  for (const bad of ["", "..", "a/../b", "/a", "a b", "a~1", "a:b", "a\\b", "a\n"])
    expect(() => assertRevision(bad), bad).toThrow("is not a revision");
});

describe("wantedFiles", () => {
  const small = ["config.json", "tokenizer.json"];

  test.each<[string, string[], string[]]>([
    ["one file", ["model.safetensors", "model.fp16.safetensors"], ["model.safetensors"]],
    [
      "shards, with the author's own file left out",
      ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors", "consolidated.safetensors"],
      ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"],
    ],
    ["another name", ["weights.safetensors"], ["weights.safetensors"]],
  ])("%s", (_, weights, wanted) => {
    const rest = [
      "README.md",
      "pytorch_model.bin",
      "onnx/model.onnx",
      "a.gguf",
      "sub/model.safetensors",
      "x.json",
    ];
    expect(wantedFiles([...small, ...weights, ...rest])).toEqual([...small, ...wanted]);
  });

  test("nothing that may not be read", () => {
    for (const name of ["pytorch_model.bin", "model.onnx", "a.gguf", "model.pt", "config.json.bin", "a.py"])
      expect(isReadable(name), name).toBe(false);
  });
});

describe("trees", () => {
  const file: HubFile = { name: "config.json", size: 2, hash: "a".repeat(40), blobId: "a".repeat(40) };
  const large: HubFile = {
    name: "model.safetensors",
    size: 2 ** 33,
    hash: "b".repeat(64),
    blobId: "c".repeat(40),
    xetHash: "d".repeat(64),
  };
  const tree = new Map([file, large].map((entry) => [entry.name, entry]));

  test("are written as Python does, and read back", () => {
    expect(JSON.parse(encodeTree(tree))).toEqual({
      format_version: 1,
      files: {
        "config.json": { size: 2, blob_id: file.hash },
        "model.safetensors": {
          size: 2 ** 33,
          blob_id: large.blobId,
          lfs_sha256: large.hash,
          lfs_size: 2 ** 33,
          xet_hash: large.xetHash,
        },
      },
    });
    expect(decodeTree(encodeTree(tree))).toEqual(tree);
  });

  test("of another version, or damaged, are none", () => {
    const text = encodeTree(tree);
    for (const bad of [
      "",
      "[]",
      text.slice(1),
      text.replace("1,", "2,"),
      text.replace('"size": 2', '"size": "2"'),
    ])
      expect(decodeTree(bad), bad).toBeUndefined();
  });

  test("names that leave the model, and hashes that are none, are left out", () => {
    const entries = { "../a": { size: 1, blob_id: "a".repeat(40) }, b: { size: 1, blob_id: "../../x" } };
    expect(decodeTree(JSON.stringify({ format_version: 1, files: entries }))).toEqual(new Map());
  });
});
