import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { memoryFiles } from "../files/index.ts";
import { loadTokenizer } from "./index.ts";

const goldens = new URL("../../../../test/goldens/tokenizers/", import.meta.url);
const golden = (name: string) => JSON.parse(readFileSync(new URL(`${name}/tokenizer.json`, goldens), "utf8"));
const [bytes, llama2, unigram] = ["byte-level-bpe", "llama2-bpe", "unigram"].map(golden);

function load(json: object) {
  const utf8 = (value: object) => new TextEncoder().encode(JSON.stringify(value));
  return loadTokenizer(memoryFiles({ "tokenizer.json": utf8(json), "tokenizer_config.json": utf8({}) }));
}

const byteLevel = (change: object) => ({
  type: "ByteLevel",
  add_prefix_space: false,
  trim_offsets: false,
  use_regex: true,
  ...change,
});
const prefixed = { ...bytes, pre_tokenizer: byteLevel({ add_prefix_space: true }) };
const normalized = (type: string) => ({ ...bytes, normalizer: { type } });
const added = (...tokens: [content: string, change: object][]) =>
  tokens.map(([content, change], i) => ({
    id: 384 + i,
    content,
    special: false,
    normalized: false,
    ...change,
  }));
const withAdded = {
  ...bytes,
  added_tokens: [
    ...bytes.added_tokens,
    ...added(
      ["<w>", { single_word: true }],
      ["<l>", { lstrip: true }],
      ["<r>", { rstrip: true }],
      ["<lr>", { lstrip: true, rstrip: true }],
      ["<l><l>", {}],
      ["word", { single_word: true }],
    ),
  ],
};
const withNormalized = {
  ...normalized("Lowercase"),
  added_tokens: [
    ...bytes.added_tokens,
    ...added(["<Big>", { normalized: true }], ["<BIG>", {}], ["<T> ", { normalized: true, special: true }]),
  ],
};
const always = { type: "Metaspace", replacement: "▁", prepend_scheme: "always", split: true };
const gemma = {
  ...llama2,
  normalizer: { type: "Replace", pattern: { String: " " }, content: "▁" },
  pre_tokenizer: { type: "Split", pattern: { String: " " }, behavior: "MergedWithPrevious", invert: false },
};
const withoutBytes = (json: typeof llama2) => ({ ...json, model: { ...json.model, byte_fallback: false } });

// What Hugging Face's tokenizers 0.23 gives, as "start-end" of each token.
test.each([
  ["added tokens: white space around", withAdded, "x <lr> y", "0-1 1-7 7-8"],
  ["added tokens: white space after", withAdded, "x<r>  <r>y", "0-1 1-6 6-9 9-10"],
  ["added tokens: white space before", withAdded, "x <l> y", "0-1 1-5 5-7"],
  ["added tokens: the longest", withAdded, "<l><l> <l>", "0-6 6-10"],
  [
    "added tokens: whole words",
    withAdded,
    "a<w>b <w> c<w>",
    "0-1 1-2 2-3 3-4 4-5 5-6 6-9 9-11 11-12 12-13 13-14",
  ],
  [
    "added tokens: whole words",
    withAdded,
    "sword word words word.",
    "0-1 1-2 2-4 4-5 5-6 6-10 10-12 12-14 14-15 15-16 16-17 17-21 21-22",
  ],
  [
    "normalized added tokens",
    withNormalized,
    "Say <big> <BIG> <Big>",
    "0-1 1-3 3-4 4-9 9-10 10-15 15-16 16-21",
  ],
  ["normalized added tokens", withNormalized, "<T> x", "0-4 4-5"],
  [
    "NFC",
    normalized("NFC"),
    "cafe\u0301 nai\u0308ve e\u0301",
    "0-1 1-2 2-3 3-4 3-4 5-7 7-8 8-9 8-9 10-12 12-13 13-14 13-14",
  ],
  ["NFC of Hangul", normalized("NFC"), "\u1100\u1161\u11a8a", "0-1 0-1 0-1 3-4"],
  ["NFKC", normalized("NFKC"), "ﬁ ½", "0-1 0-1 1-2 2-3 2-3 2-3 2-3 2-3"],
  ["Lowercase", normalized("Lowercase"), "İstanbul", "0-1 0-1 0-1 1-2 2-3 3-5 5-6 6-7 7-8"],
  ["a space put before", prefixed, "Hello world", "0-2 2-4 4-5 5-7 7-9 9-11"],
  [
    "trimmed",
    { ...bytes, post_processor: byteLevel({ trim_offsets: true }) },
    "  Hello  world ",
    "1-1 2-4 4-6 6-7 8-8 9-10 10-12 12-14 15-15",
  ],
  [
    "a space put before, trimmed",
    { ...prefixed, post_processor: byteLevel({ trim_offsets: true, add_prefix_space: true }) },
    "  Hello  world ",
    "0-0 2-4 4-6 6-7 8-8 9-10 10-12 12-14 15-15",
  ],
  ["Gemma", gemma, "  Hello  world ", "0-1 1-4 4-6 6-7 7-8 8-10 10-12 12-14 14-15"],
  [
    "Metaspace before every piece",
    { ...unigram, pre_tokenizer: always },
    "</s> <s>😀x</s>",
    "0-4 4-5 5-8 8-9 8-9 8-9 8-9 8-9 9-10 10-14",
  ],
  ["unknown characters, Unigram", withoutBytes(unigram), "é😀", "0-1 0-2"],
  ["unknown characters, BPE", withoutBytes(llama2), "😀👨\u200d👩\u200d👧 ok", "0-1 0-6 6-8 8-9"],
])("%s: %s", async (_, json, text, wanted) => {
  const tokenizer = await load(json);
  const { offset_mapping, input_ids } = tokenizer(text, {
    add_special_tokens: false,
    return_offsets_mapping: true,
  });
  expect(offset_mapping?.[0]?.map((offset) => offset.join("-")).join(" ")).toBe(wanted);
  expect(input_ids).toEqual([tokenizer.encode(text, { add_special_tokens: false })]);
});

test("special tokens around a text stand nowhere in it", async () => {
  const tokenizer = await load(llama2);
  expect(tokenizer("a", { return_offsets_mapping: true }).offset_mapping).toEqual([
    [
      [0, 0],
      [0, 1],
    ],
  ]);
});

test("a normalizer whose work cannot be followed", async () => {
  const tokenizer = await load({
    ...bytes,
    normalizer: { type: "Strip", strip_left: true, strip_right: true },
  });
  expect(tokenizer.encode(" a b ")).toEqual(tokenizer.encode("a b"));
  expect(() => tokenizer(" a b ", { return_offsets_mapping: true })).toThrow(
    "offsets of tokens are not known for this text and the normalizer 'Strip'",
  );
});
