import { mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { floats, type Value } from "@fusewire/ir";
import { memoryFiles, openCheckpoint } from "@fusewire/models";
import { afterAll, beforeAll, expect, test } from "vitest";
import { fusewire, goldenModel } from "../testing/run.ts";

const LLAMA = goldenModel("llama");
let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "fusewire-"));
});
afterAll(() => rm(root, { recursive: true }));

async function readTensor(path: string, name: string): Promise<Value> {
  return (await openCheckpoint(memoryFiles({ "model.safetensors": await readFile(path) }))).read(name);
}

test("writes Hugging Face's logits, zeros at pads", async () => {
  const golden = JSON.parse(await readFile(join(LLAMA, "expected.json"), "utf8")) as {
    left_padded: { input_ids: number[][]; attention_mask: number[][] };
  };
  const { input_ids, attention_mask } = golden.left_padded;
  const out = join(root, "out.safetensors");
  const { code, stdout } = await fusewire(
    ...["logits", "--model", LLAMA, "--device", "interpreter", "--out", out, "--json"],
    ...["--input-ids", JSON.stringify(input_ids), "--attention-mask", JSON.stringify(attention_mask)],
  );
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toEqual({ file: out, shape: [3, 14, 384] });
  const got = await readTensor(out, "logits");
  expect(got.type).toEqual({ dtype: "f32", shape: [3, 14, 384] });
  const expected = floats(await readTensor(join(LLAMA, "expected.safetensors"), "left_padded.logits"));
  let [real, worst, pads] = [0, 0, 0];
  for (const [position, mask] of attention_mask.flat().entries()) {
    const row = floats(got).subarray(position * 384, (position + 1) * 384);
    if (mask === 0) pads += row.filter((score) => score !== 0).length;
    else for (const score of row) worst = Math.max(worst, Math.abs(score - expected[real++]!));
  }
  expect(real).toBe(expected.length);
  expect(worst).toBeLessThan(3e-4);
  expect(pads).toBe(0);
});

test.each([
  ["a directory", ["--out", "."], "--out '.' is a directory; name a file in it"],
  [
    "a missing folder",
    ["--out", "no/such/f"],
    "--out 'no/such/f': there is no directory 'no/such'; make it first",
  ],
  ["no file", [], "logits needs --out FILE.safetensors"],
])("%s is refused before the model runs", async (_, flags, message) => {
  const { code, stderr } = await fusewire("logits", "--model", LLAMA, "--input-ids", "[[1]]", ...flags);
  expect(stderr).toBe(`error: ${message}\n`);
  expect(code).toBe(1);
});

test("a file that cannot be written", async () => {
  const folder = join(root, "folder");
  await mkdir(folder);
  const out = join(folder, "x".repeat(300));
  const { code, stderr } = await fusewire(
    ...["logits", "--model", LLAMA, "--device", "interpreter", "--input-ids", "[[1]]", "--out", out],
  );
  expect(stderr).toContain("(ENAMETOOLONG); check that it may be written");
  expect(code).toBe(1);
});
