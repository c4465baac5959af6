/** GGUF files: a model with seven types of tensors against Hugging Face's numbers, and files that are damaged. */
import { readFileSync } from "node:fs";
import { floats } from "@fusewire/ir";
import { ggufFiles, loadTokenizer, memoryFiles, openCheckpoint } from "@fusewire/models";
import fc from "fast-check";
import { AutoModelForCausalLM, AutoTokenizer } from "fusewire";
import { expect, test } from "vitest";
import { goldenPath } from "./support/goldens.ts";
import { inputsOf, largestDifference, numbers, openArrays, readGolden } from "./support/read.ts";

interface Expected {
  readonly batch: { readonly input_ids: number[][] };
  readonly left_padded: { readonly input_ids: number[][]; readonly attention_mask: number[][] };
  readonly greedy: { readonly max_new_tokens: number; readonly new_tokens: number[][] };
}

const folder = goldenPath("quantization", "gguf");
const FILE = "tiny-llama.gguf";
const bytes = new Uint8Array(readFileSync(`${folder}/${FILE}`));

test.each(["interpreter", "wasm"] as const)("logits and tokens on %s", async (device) => {
  const expected = readGolden<Expected>(`${folder}/expected.json`);
  const arrays = await openArrays(`${folder}/expected.safetensors`);
  const model = await AutoModelForCausalLM.from_pretrained(folder, { gguf_file: FILE, device });
  try {
    const { logits } = await model.forward(inputsOf(expected.batch));
    expect(largestDifference(floats(logits), await numbers(arrays("batch.logits")))).toBeLessThan(3e-4);
    const { max_new_tokens, new_tokens } = expected.greedy;
    const result = await model.generate(inputsOf(expected.left_padded), { max_new_tokens, eos_token_id: [] });
    expect(result.new_tokens).toEqual(new_tokens);
  } finally {
    await model.dispose();
  }
});

test("the tokenizer of a bare path: bytes, since the vocabulary has no words", async () => {
  const tokenizer = await AutoTokenizer.from_pretrained(`${folder}/${FILE}`);
  // <s>, then "▁" of three bytes and "Hi", each at its byte behind three special tokens.
  expect(tokenizer.encode("Hi")).toEqual([1, ...[0xe2, 0x96, 0x81, 0x48, 0x69].map((byte) => byte + 3)]);
  // The decoder turns "▁" into spaces before it joins bytes, as that of Llama 2 does.
  expect(tokenizer.decode(tokenizer.encode("Hi"), { skip_special_tokens: true })).toBe("▁Hi");
});

test("what is read in pieces is what is read whole", async () => {
  const files = await ggufFiles(memoryFiles({ [FILE]: bytes }), FILE);
  const source = (await files.open("model.safetensors"))!;
  const whole = await source.read(0, source.size);
  await fc.assert(
    fc.asyncProperty(fc.nat(source.size - 1), fc.nat(5000), async (from, length) => {
      const count = Math.min(length, source.size - from);
      const piece = await source.read(from, count);
      expect(Buffer.from(piece).equals(Buffer.from(whole.subarray(from, from + count)))).toBe(true);
    }),
  );
});

/** The file with some bytes changed, read as far as its tensors' numbers. */
async function readAll(file: Uint8Array): Promise<void> {
  const files = await ggufFiles(memoryFiles({ [FILE]: file }), FILE);
  const checkpoint = await openCheckpoint(files);
  await checkpoint.read("model.norm.weight");
  await loadTokenizer(files);
}

const patched = (at: number, ...values: number[]): Uint8Array => {
  const copy = bytes.slice();
  copy.set(values, at);
  return copy;
};

/** Where a text stands in the header. */
const placeOf = (text: string): number => Buffer.from(bytes).indexOf(text);

test.each<[string, () => Uint8Array, string]>([
  ["another magic", () => patched(0, 1), "is not a GGUF file"],
  ["version 1", () => patched(4, 1), "is GGUF of version 1; 2 and 3 are read"],
  ["more tensors than bytes", () => patched(8, 255, 255, 255, 255, 255), "says the number of tensors is"],
  ["a key of absurd length", () => patched(24, 255, 255, 255, 255, 255), "says the length of a key is"],
  ["an end in the header", () => bytes.slice(0, 100), "ends in the middle"],
  ["an end in the weights", () => bytes.slice(0, bytes.length - 100), "the download stopped early"],
  [
    "another architecture",
    () => patched(placeOf("general.architecture") + 32, 120),
    'the architecture "xlama"',
  ],
  // After a name come its axes: 4 bytes, then 8 for each of two sizes, then the type.
  [
    "an unknown type",
    () => patched(placeOf("blk.0.attn_q.weight") + 39, 99),
    "is of the type 99, which is not read",
  ],
  [
    "a type that is not read",
    () => patched(placeOf("blk.0.attn_q.weight") + 39, 16),
    "is of the type IQ2_XXS",
  ],
  ["tensors that overlap", () => patched(placeOf("blk.0.attn_q.weight") + 43, 0, 0, 0, 0), "overlap"],
  [
    "a tensor of no family",
    () => patched(placeOf("blk.0.attn_q.weight"), 98, 108, 111),
    "'blo.0.attn_q.weight'",
  ],
])("%s: a clear error", async (_what, file, message) => {
  await expect(readAll(file())).rejects.toThrow(message);
});

test("whatever is changed in the header, it is read or refused in words", async () => {
  // Messages of the reader and of the tokenizer's own library end in one kind of error.
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.nat(9000), fc.nat(255)), { minLength: 1, maxLength: 4 }),
      async (changes) => {
        const file = bytes.slice();
        for (const [at, value] of changes) file[at] = value;
        try {
          await readAll(file);
        } catch (error) {
          expect((error as Error).name).toBe("FusewireError");
        }
      },
    ),
    { numRuns: 300 },
  );
});

test("blocks of every type, to the bit", async () => {
  const files = await openCheckpoint(
    memoryFiles({ "model.safetensors": new Uint8Array(readFileSync(`${folder}/blocks.safetensors`)) }),
  );
  const { GGUF_TYPES } = await import("../packages/models/src/gguf/types.ts");
  const { cases } = readGolden<{ cases: { type: string }[] }>(`${folder}/blocks.json`);
  let seen = 0;
  for (const { type: name } of cases) {
    const type = [...GGUF_TYPES.values()].find((known) => known.name === name)!;
    if (!type.decode) continue;
    const { data } = await files.read(`${name}/bytes`);
    const expected = (await files.read(`${name}/dequantized`)).data;
    const out = new Float32Array(expected.length);
    for (let k = 0; k * type.bytes < data.length; k++)
      type.decode(
        new DataView(data.buffer, data.byteOffset + k * type.bytes, type.bytes),
        out,
        k * type.size,
      );
    expect([...out], name).toEqual([...expected]);
    seen++;
  }
  expect(seen).toBe(12);
});
