import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { memoryFiles } from "../files/index.ts";
import { createTextStream, loadTokenizer, type Tokenizer } from "./index.ts";

const folder = new URL("../../../../test/goldens/tokenizers/byte-level-bpe/", import.meta.url);
const readGolden = (name: string): Uint8Array => new Uint8Array(readFileSync(new URL(name, folder)));
const parse = (name: string) => JSON.parse(new TextDecoder().decode(readGolden(name)));
const utf8 = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));

const files = {
  "tokenizer.json": readGolden("tokenizer.json"),
  "tokenizer_config.json": readGolden("tokenizer_config.json"),
};
const tokenizer = await loadTokenizer(memoryFiles(files));

interface Streaming {
  text: string;
  ids: number[];
  streamed: string[];
  flushed_at_end: string;
}
const golden: Streaming[] = parse("expected.json").streaming;

/** Pieces while the ids come in groups of `size`, and what is left at the end. */
function run(of: Tokenizer, ids: readonly number[], size = 1, skip = true) {
  const stream = createTextStream(of, { skip_special_tokens: skip });
  const pieces: string[] = [];
  for (let i = 0; i < ids.length; i += size) pieces.push(stream.push(ids.slice(i, i + size)));
  return { pieces, rest: stream.end() };
}
const whole = ({ pieces, rest }: ReturnType<typeof run>): string => pieces.join("") + rest;

/** A tokenizer that notes the longest list it had to decode. */
function watch(of: Tokenizer) {
  let longest = 0;
  const watching: Tokenizer = Object.assign(of.bind(undefined), of, {
    decode(ids: number | ArrayLike<number>) {
      longest = Math.max(longest, typeof ids === "number" ? 1 : ids.length);
      return of.decode(ids);
    },
  });
  return { watching, longest: () => longest };
}

test("by characters each comes out once its bytes are there, and all pieces are the text", () => {
  const text = "Hello, wörld 😀 你好 \u{20000}nothing waits";
  const stream = createTextStream(tokenizer, { pieces: "characters" });
  const ids = tokenizer.encode(text);
  const pieces = ids.map((id) => stream.push([id]));
  expect(pieces.join("") + stream.end()).toBe(text);
  for (const [i, piece] of pieces.entries()) {
    expect(piece).not.toMatch(/[\ud800-\udbff]$|^[\udc00-\udfff]/);
    expect(piece).not.toContain("\ufffd");
    // A token that ends a character leaves nothing behind.
    if (!tokenizer.decode(ids.slice(0, i + 1)).endsWith("\ufffd"))
      expect(pieces.slice(0, i + 1).join("")).toBe(tokenizer.decode(ids.slice(0, i + 1)));
  }
});

test.each(golden)("the pieces of TextStreamer: $text", ({ ids, streamed, flushed_at_end }) => {
  expect(run(tokenizer, ids)).toEqual({ pieces: streamed, rest: flushed_at_end });
});

describe("all pieces together are the decode of all ids", () => {
  const characters = fc.constantFrom(..."ab .,\n'é你好안こ😀👨\u200d\ufeff𠀀");

  test("texts with characters of several tokens, in groups of any size; no piece holds half a character", () => {
    fc.assert(
      fc.property(fc.array(characters, { maxLength: 200 }), fc.integer({ min: 1, max: 5 }), (text, size) => {
        const ids = tokenizer.encode(text.join(""));
        const result = run(tokenizer, ids, size);
        expect(whole(result)).toBe(text.join(""));
        for (const piece of result.pieces) {
          expect(piece).not.toContain("\ufffd");
          expect(piece).not.toMatch(/\p{Surrogate}/u);
        }
      }),
      { numRuns: 300 },
    );
  });

  test("any ids, special and unknown ones too", () => {
    const id = fc.oneof({ weight: 5, arbitrary: fc.nat(390) }, fc.constantFrom(203, 225, 0, 2));
    fc.assert(
      fc.property(fc.array(id, { maxLength: 300 }), fc.boolean(), (ids, skip) => {
        expect(whole(run(tokenizer, ids, 1, skip))).toBe(
          tokenizer.decode(ids, { skip_special_tokens: skip }),
        );
      }),
      { numRuns: 300 },
    );
  });

  test("with a clean-up of spaces", async () => {
    const config = {
      ...parse("tokenizer_config.json"),
      clean_up_tokenization_spaces: true,
      clean_up_tokenization_spaces_for_bpe_even_though_it_will_corrupt_output: true,
    };
    const cleaning = await loadTokenizer(memoryFiles({ ...files, "tokenizer_config.json": utf8(config) }));
    for (const text of ["dogs , cats . It 's I 'm\n . do n't ' x ' ok", `${"we 've , ".repeat(40)}end .`]) {
      const ids = cleaning.encode(text);
      expect(cleaning.decode(ids)).not.toBe(text);
      expect(whole(run(cleaning, ids))).toBe(cleaning.decode(ids));
    }
  });

  test("with a clean-up of spaces and bytes that wait for others", async () => {
    const unigram = new URL("../unigram/tokenizer.json", folder);
    const cleaning = await loadTokenizer(
      memoryFiles({
        "tokenizer.json": new Uint8Array(readFileSync(unigram)),
        "tokenizer_config.json": utf8({ clean_up_tokenization_spaces: true }),
      }),
    );
    for (const text of ["中文", "café한글 हिन्दी", "the ,Hello٣ ① do n't"]) {
      const ids = cleaning.encode(text);
      expect(whole(run(cleaning, ids, 1, false))).toBe(cleaning.decode(ids));
    }
  });

  test("with a clean-up that joins a word of several tokens to the one before", async () => {
    const tokens = ["<unk>", "do", "n", "'", "t", "."];
    const wordPiece = {
      added_tokens: [],
      model: {
        type: "WordPiece",
        unk_token: "<unk>",
        continuing_subword_prefix: "##",
        max_input_chars_per_word: 100,
        vocab: Object.fromEntries(tokens.map((token, id) => [token, id])),
      },
      decoder: { type: "WordPiece", prefix: "##", cleanup: true },
    };
    const cleaning = await loadTokenizer(
      memoryFiles({
        "tokenizer.json": utf8(wordPiece),
        "tokenizer_config.json": utf8({ clean_up_tokenization_spaces: true }),
      }),
    );
    const ids = [1, 2, 3, 4, 1, 5];
    expect(cleaning.decode(ids)).toBe("don't do.");
    expect(whole(run(cleaning, ids))).toBe("don't do.");
  });

  test("with a decoder that strips the first space", async () => {
    const json = parse("tokenizer.json");
    const decoder = {
      type: "Sequence",
      decoders: [json.decoder, { type: "Fuse" }, { type: "Strip", content: " ", start: 1, stop: 0 }],
    };
    const stripping = await loadTokenizer(
      memoryFiles({ ...files, "tokenizer.json": utf8({ ...json, decoder }) }),
    );
    const ids = stripping.encode(` a\n b ${"and so on ".repeat(100)}\n c`);
    expect(stripping.decode(ids).startsWith("a\n b")).toBe(true);
    expect(whole(run(stripping, ids))).toBe(stripping.decode(ids));
  });
});

test("long runs of byte tokens, which decode as a whole", async () => {
  const json = parse("tokenizer.json");
  const first = 384;
  const bytes = Array.from({ length: 256 }, (_, i) => `<0x${i.toString(16).toUpperCase().padStart(2, "0")}>`);
  const vocab = { ...json.model.vocab, ...Object.fromEntries(bytes.map((token, i) => [token, first + i])) };
  const changed = { ...json, model: { ...json.model, vocab }, decoder: { type: "ByteFallback" } };
  const fallback = await loadTokenizer(memoryFiles({ ...files, "tokenizer.json": utf8(changed) }));
  for (const text of ["你".repeat(100), "é你😀\n".repeat(30), "😀".repeat(50)]) {
    const ids = Array.from(new TextEncoder().encode(text), (byte) => first + byte);
    const result = run(fallback, ids);
    expect(whole(result)).toBe(text);
    expect(result.pieces.join("")).not.toContain("\ufffd");
  }
});

test("the work of a push does not grow with the text", () => {
  const text = "Once upon a time there was a dog. ".repeat(100);
  const { watching, longest } = watch(tokenizer);
  expect(whole(run(watching, tokenizer.encode(text)))).toBe(text);
  expect(longest()).toBeLessThanOrEqual(64);
});

test("a stream starts over after its end; the prompt is skipped each time", () => {
  const [prompt, answer] = [tokenizer.encode("Tell me"), tokenizer.encode("Once upon")];
  const stream = createTextStream(tokenizer, { skip_prompt: true });
  for (let turn = 0; turn < 2; turn++) {
    expect(stream.push(prompt)).toBe("");
    expect(stream.push(answer)).toBe("Once ");
    expect(stream.end()).toBe("upon");
  }
  expect(stream.end()).toBe("");
});

test("special tokens are text unless they are skipped", () => {
  expect(whole(run(tokenizer, [313, 2], 1, false))).toBe("Lily<|end_of_text|>");
  expect(whole(run(tokenizer, [313, 2], 1, true))).toBe("Lily");
});

test("an unknown option", () => {
  // @ts-expect-error: what JavaScript users may pass
  expect(() => createTextStream(tokenizer, { timeout: 1 })).toThrow(
    "createTextStream has no option 'timeout'",
  );
});
