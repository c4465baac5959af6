// Every golden tokenizer against what Hugging Face made of the same files.

import { readFileSync } from "node:fs";
import {
  createTextStream,
  type EncodeOptions,
  loadTokenizer,
  memoryFiles,
  type Side,
  type Tokenizer,
  type TokenizerOptions,
} from "@fusewire/models";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { goldenPath } from "./support/goldens.ts";

interface Expected {
  readonly vocab_size: number;
  readonly encode: readonly {
    readonly text: string;
    readonly ids: number[];
    readonly tokens: string[];
    readonly offsets: [number, number][];
    readonly ids_with_special: number[];
    readonly decoded: string;
    readonly decoded_skip_special: string;
    readonly decoded_no_special: string;
  }[];
  readonly streaming: readonly {
    readonly text: string;
    readonly ids: number[];
    readonly streamed: string[];
    readonly flushed_at_end: string;
    readonly prefixes: string[];
    readonly lossless: boolean;
  }[];
  readonly padding: {
    readonly texts: string[];
    readonly cases: readonly {
      readonly padding_side: Side;
      readonly truncation_side: Side;
      readonly options: EncodeOptions;
      readonly input_ids: number[][];
      readonly attention_mask: number[][];
    }[];
    readonly raises: { readonly options: EncodeOptions; readonly message: string };
  };
}

const NAMES = ["byte-level-bpe", "llama3-bpe", "llama2-bpe", "unigram"];

function load(name: string, options?: TokenizerOptions): Promise<Tokenizer> {
  const read = (file: string) => new Uint8Array(readFileSync(goldenPath("tokenizers", name, file)));
  const files = ["tokenizer.json", "tokenizer_config.json"].map((file) => [file, read(file)] as const);
  return loadTokenizer(memoryFiles(Object.fromEntries(files), name), options);
}

describe.each(NAMES)("%s", async (name) => {
  const expected: Expected = JSON.parse(
    readFileSync(goldenPath("tokenizers", name, "expected.json"), "utf8"),
  );
  const tokenizer = await load(name);

  test("its size", () => {
    expect(tokenizer.size_with_added_tokens).toBe(expected.vocab_size);
  });

  test.each(expected.encode)("encode and decode: $text", (row) => {
    const { input_ids, offset_mapping } = tokenizer(row.text, {
      add_special_tokens: false,
      return_offsets_mapping: true,
    });
    expect(input_ids).toEqual([row.ids]);
    expect(offset_mapping).toEqual([row.offsets]);
    expect(tokenizer.encode(row.text, { add_special_tokens: false })).toEqual(row.ids);
    expect(tokenizer.encode(row.text)).toEqual(row.ids_with_special);
    expect(row.ids.map(tokenizer.convert_ids_to_tokens)).toEqual(row.tokens);
    expect(row.tokens.map(tokenizer.convert_tokens_to_ids)).toEqual(row.ids);
    expect(tokenizer.decode(row.ids_with_special)).toBe(row.decoded);
    expect(tokenizer.decode(row.ids_with_special, { skip_special_tokens: true })).toBe(
      row.decoded_skip_special,
    );
    expect(tokenizer.decode(row.ids)).toBe(row.decoded_no_special);
  });

  describe.each(expected.streaming)("text stream: $text", (row) => {
    const { ids, streamed, flushed_at_end, prefixes, lossless } = row;
    const run = (skip_prompt: boolean, given: readonly (readonly number[])[]) => {
      const stream = createTextStream(tokenizer, { skip_special_tokens: true, skip_prompt });
      return { pieces: given.map((one) => stream.push(one)), rest: stream.end() };
    };
    const one = ids.map((id) => [id]);

    test("the pieces of TextStreamer; where those lose text, all of it", () => {
      const { pieces, rest } = run(false, one);
      expect(pieces.join("") + rest).toBe(prefixes.at(-1));
      if (lossless) expect({ pieces, rest }).toEqual({ pieces: streamed, rest: flushed_at_end });
      else expect(streamed.join("") + flushed_at_end).not.toBe(prefixes.at(-1));
    });

    test("no piece holds half a character, however many tokens come at once", () => {
      for (let size = 1; size <= 4; size++) {
        const groups = Array.from({ length: Math.ceil(ids.length / size) }, (_, i) =>
          ids.slice(i * size, (i + 1) * size),
        );
        const { pieces, rest } = run(false, groups);
        expect(pieces.join("")).not.toContain("\ufffd");
        expect(pieces.join("") + rest).toBe(prefixes.at(-1));
      }
    });

    test("a skipped prompt leaves the pieces of the answer as they are", () => {
      const { pieces, rest } = run(true, [tokenizer.encode("A prompt.\n"), ...one]);
      expect(pieces[0]).toBe("");
      expect({ pieces: pieces.slice(1), rest }).toEqual(run(false, one));
    });
  });

  test.each(expected.padding.cases)("$padding_side $truncation_side $options", async (row) => {
    const { padding_side, truncation_side, options, input_ids, attention_mask } = row;
    const loaded = await load(name, { padding_side, truncation_side });
    const encoding = loaded(expected.padding.texts, { ...options, return_offsets_mapping: true });
    expect(encoding).toMatchObject({ input_ids, attention_mask });
    expect(encoding.offset_mapping?.map((offsets) => offsets.length)).toEqual(
      input_ids.map((ids) => ids.length),
    );
  });

  test("the combination that Hugging Face refuses", () => {
    const { options, message } = expected.padding.raises;
    expect(message).toContain("(5) is not a multiple of pad_to_multiple_of (8)");
    expect(() => tokenizer(expected.padding.texts, options)).toThrow(
      "(5) is not a multiple of pad_to_multiple_of (8)",
    );
  });

  test("special tokens in a text become tokens, and stay text where that is asked for", () => {
    const special = tokenizer.all_special_tokens;
    const piece = fc.constantFrom(...special, "a", " ", "<", "/s>", "s>", "|>", "\n", "é", "😀");
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const text = `a${pieces.join("")}`;
        const options = { add_special_tokens: false };
        const asTokens = tokenizer.encode(text, options);
        expect(asTokens.filter((id) => tokenizer.all_special_ids.includes(id))).toHaveLength(
          text.match(new RegExp(special.map((one) => one.replaceAll("|", "\\|")).join("|"), "g"))?.length ??
            0,
        );
        const asText = tokenizer(text, {
          ...options,
          split_special_tokens: true,
          return_offsets_mapping: true,
        });
        expect(asText.input_ids[0]?.some((id) => tokenizer.all_special_ids.includes(id))).toBe(false);
        expect(tokenizer.decode(asText.input_ids[0] ?? [])).toBe(text);
        // The offsets leave nothing out, and never go back.
        const offsets = asText.offset_mapping?.[0] ?? [];
        expect(offsets.reduce((end, [from, to]) => (from <= end ? Math.max(end, to) : -1), 0)).toBe(
          [...text].length,
        );
      }),
      { numRuns: 300 },
    );
  });
});
