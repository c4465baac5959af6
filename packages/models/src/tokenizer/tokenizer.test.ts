import { readFileSync } from "node:fs";
import { FusewireError } from "@fusewire/ir";
import { describe, expect, test } from "vitest";
import { memoryFiles } from "../files/index.ts";
import { type EncodeOptions, loadTokenizer, type Side, type TokenizerOptions } from "./index.ts";

const folder = new URL("../../../../test/goldens/tokenizers/byte-level-bpe/", import.meta.url);
const readGolden = (name: string): Uint8Array => new Uint8Array(readFileSync(new URL(name, folder)));
const parse = (name: string) => JSON.parse(new TextDecoder().decode(readGolden(name)));
const utf8 = (value: unknown): Uint8Array =>
  new TextEncoder().encode(typeof value === "string" ? value : JSON.stringify(value));

interface Expected {
  vocab_size: number;
  encode: {
    text: string;
    ids: number[];
    tokens: string[];
    ids_with_special: number[];
    decoded: string;
    decoded_skip_special: string;
    decoded_no_special: string;
  }[];
  padding: {
    texts: string[];
    cases: {
      padding_side: Side;
      truncation_side: Side;
      options: EncodeOptions;
      input_ids: number[][];
      attention_mask: number[][];
    }[];
    raises: { options: EncodeOptions; message: string };
  };
}
const expected: Expected = parse("expected.json");

/** The golden tokenizer, with some top-level values of its files replaced; undefined removes one. */
function load(change: { json?: object; config?: object; map?: object } = {}, options?: TokenizerOptions) {
  const files = {
    "tokenizer.json": utf8({ ...parse("tokenizer.json"), ...change.json }),
    "tokenizer_config.json": utf8({ ...parse("tokenizer_config.json"), ...change.config }),
    ...(change.map ? { "special_tokens_map.json": utf8(change.map) } : {}),
  };
  return loadTokenizer(memoryFiles(files, "'tiny'"), options);
}
const tokenizer = await load();

/** A post-processor that writes <|begin_of_text|> before and <|end_of_text|> after a text. */
const framing = {
  type: "TemplateProcessing",
  single: [
    { SpecialToken: { id: "<|begin_of_text|>", type_id: 0 } },
    { Sequence: { id: "A", type_id: 0 } },
    { SpecialToken: { id: "<|end_of_text|>", type_id: 0 } },
  ],
  pair: [],
  special_tokens: {
    "<|begin_of_text|>": { id: "<|begin_of_text|>", ids: [1], tokens: ["<|begin_of_text|>"] },
    "<|end_of_text|>": { id: "<|end_of_text|>", ids: [2], tokens: ["<|end_of_text|>"] },
  },
};

describe("the golden tokenizer", () => {
  test.each(expected.encode)("$text", (row) => {
    expect(tokenizer.encode(row.text, { add_special_tokens: false })).toEqual(row.ids);
    expect(tokenizer.encode(row.text)).toEqual(row.ids_with_special);
    expect(row.ids.map(tokenizer.convert_ids_to_tokens)).toEqual(row.tokens);
    expect(row.tokens.map(tokenizer.convert_tokens_to_ids)).toEqual(row.ids);
    expect(tokenizer.decode(row.ids_with_special)).toBe(row.decoded);
    expect(tokenizer.decode(row.ids_with_special, { skip_special_tokens: true })).toBe(
      row.decoded_skip_special,
    );
    expect(tokenizer.decode(Int32Array.from(row.ids))).toBe(row.decoded_no_special);
  });

  test.each(expected.padding.cases)("$padding_side $truncation_side $options", async (row) => {
    const { padding_side, truncation_side, options } = row;
    const wanted = { input_ids: row.input_ids, attention_mask: row.attention_mask };
    const { texts } = expected.padding;
    expect(tokenizer(texts, { ...options, padding_side, truncation_side })).toEqual(wanted);
    const loaded = await load({}, { padding_side, truncation_side });
    expect(loaded(texts, options)).toEqual(wanted);
    if (options.truncation) return;
    const { add_special_tokens = true, ...pad } = options;
    expect(loaded.pad(tokenizer(texts, { add_special_tokens }), pad)).toEqual(wanted);
  });

  test("the combination that Hugging Face refuses", () => {
    const { options, message } = expected.padding.raises;
    expect(message).toContain("(5) is not a multiple of pad_to_multiple_of (8)");
    expect(() => tokenizer(expected.padding.texts, options)).toThrow(
      "(5) is not a multiple of pad_to_multiple_of (8)",
    );
  });

  test("its properties", () => {
    expect({ ...tokenizer }).toMatchObject({
      bos_token: "<|begin_of_text|>",
      bos_token_id: 1,
      eos_token_id: 2,
      pad_token_id: 0,
      unk_token: undefined,
      unk_token_id: undefined,
      padding_side: "left",
      truncation_side: "right",
      model_max_length: 512,
    });
    expect([...tokenizer.all_special_ids].sort()).toEqual([0, 1, 2, 3, 4]);
    expect(tokenizer.vocab_size).toBe(expected.vocab_size);
  });
});

describe("encoding", () => {
  test("special tokens around a text, in and out of a truncation", async () => {
    const framed = await load({ json: { post_processor: framing } });
    const [first] = framed("Once upon a time").input_ids;
    expect(first).toEqual([1, 342, 365, 355, 292, 263, 261, 286, 73, 2]);
    expect(framed.encode("Once upon a time", { add_special_tokens: false })).toEqual(first?.slice(1, -1));
    expect(framed.encode("Once upon a time", { truncation: true, max_length: 4 })).toEqual([1, 342, 365, 2]);
    expect(
      framed.encode("Once upon a time", { truncation: true, max_length: 4, truncation_side: "left" }),
    ).toEqual([1, 286, 73, 2]);
    expect(framed.encode("Once", { max_length: 2 })).toEqual([1, 2]);
    expect(() => framed.encode("Once", { max_length: 1 })).toThrow(
      "max_length 1 has no room for the 2 special tokens of every text",
    );
  });

  test("max_length alone truncates; model_max_length stands in", async () => {
    expect(tokenizer.encode("Once upon a time", { max_length: 3 })).toEqual([342, 365, 355]);
    const short = await load({}, { model_max_length: 2 });
    expect(short.encode("Once upon a time", { truncation: true })).toEqual([342, 365]);
    expect(short("Lily", { padding: "max_length" }).input_ids).toEqual([[0, 313]]);
    const unlimited = await load({ config: { model_max_length: 1e30 } });
    expect(unlimited.model_max_length).toBe(Number.POSITIVE_INFINITY);
    expect(() => unlimited("x", { truncation: true })).toThrow("truncation of tokenizer needs max_length");
    expect(() => unlimited("x", { padding: "max_length" })).toThrow("needs max_length");
  });

  test("Unigram with byte fallback: a character outside the vocabulary becomes its UTF-8 bytes", async () => {
    const bytes = Array.from(
      { length: 256 },
      (_, i) => `<0x${i.toString(16).toUpperCase().padStart(2, "0")}>`,
    );
    const vocab = [["<unk>", 0], ...bytes.map((token) => [token, 0]), ["a", -1], ["<x>", -2]];
    const config = { bos_token: null, eos_token: null, pad_token: null, extra_special_tokens: [] };
    const unigram = async (byte_fallback: boolean) => {
      const model = { type: "Unigram", unk_id: 0, vocab, byte_fallback };
      const rest = { pre_tokenizer: null, post_processor: null, decoder: null, added_tokens: [] };
      return load({ json: { model, ...rest }, config });
    };
    expect((await unigram(true)).encode("aé😀a")).toEqual([
      257,
      ...[0xc3, 0xa9, 0xf0, 0x9f, 0x98, 0x80].map((b) => b + 1),
      257,
    ]);
    expect((await unigram(false)).encode("aéa")).toEqual([257, 0, 257]);
  });

  test("no texts, and what is no text", () => {
    expect(tokenizer([], { padding: true })).toEqual({ input_ids: [], attention_mask: [] });
    // @ts-expect-error: what JavaScript users may pass
    expect(() => tokenizer([["a"]])).toThrow("cannot tokenize a list; give a text");
    // @ts-expect-error: as above
    expect(() => tokenizer(undefined)).toThrow("cannot tokenize undefined");
  });

  test.each([
    [{ paddin: true }, "tokenizer has no option 'paddin'; it has padding, padding_side"],
    [
      { padding: "left" },
      'option \'padding\' of tokenizer is the text "left", expected true, false, "longest"',
    ],
    [{ padding_side: "up" }, "option 'padding_side' of tokenizer"],
    [{ pad_to_multiple_of: 0 }, "option 'pad_to_multiple_of' of tokenizer is 0, expected an integer >= 1"],
    [{ max_length: 1.5 }, "option 'max_length' of tokenizer is 1.5"],
    [{ toString: 1 }, "tokenizer has no option 'toString'"],
  ])("%j", (options, message) => {
    // @ts-expect-error: what JavaScript users may pass
    expect(() => tokenizer("x", options)).toThrow(message);
  });

  test("padding without a pad token", async () => {
    const none = await load({ config: { pad_token: null } });
    expect(none.pad_token_id).toBeUndefined();
    expect(none("Lily").input_ids).toEqual([[313]]);
    const fix =
      'padding needs a pad token, and this tokenizer has none; set tokenizer.pad_token = "<|end_of_text|>", or load it with { pad_token: "<|end_of_text|>" }';
    expect(() => none("Lily", { padding: true })).toThrow(fix);
    expect(() => none.pad({ input_ids: [[1]] })).toThrow(fix);
    const set = await load({ config: { pad_token: null } }, { pad_token: "<|end_of_text|>" });
    expect(set(["Lily", ""], { padding: true }).input_ids).toEqual([[313], [2]]);
  });

  test("pad checks its masks and keeps those it is given", () => {
    const rows = { input_ids: [[5, 6], [7]], attention_mask: [[0, 1], [1]] };
    expect(tokenizer.pad(rows, { padding_side: "right" }).attention_mask).toEqual([
      [0, 1],
      [1, 0],
    ]);
    expect(tokenizer.pad(rows, { padding: false })).toEqual(rows);
    expect(() => tokenizer.pad({ input_ids: [[1]], attention_mask: [[1, 1]] })).toThrow("shape of input_ids");
  });
});

describe("decoding", () => {
  test("ids without a token give nothing", () => {
    expect(tokenizer.decode([])).toBe("");
    expect(tokenizer.decode([342, 99999, 365])).toBe("Once");
    expect(tokenizer.decode(313)).toBe("Lily");
    expect(tokenizer.batch_decode([[313], []])).toEqual(["Lily", ""]);
  });

  test("byte fallback: a run of bytes that is not UTF-8 gives a replacement character for each", async () => {
    const json = parse("tokenizer.json");
    const vocab = { ...json.model.vocab, "<0xEF>": 384, "<0xBB>": 385, "<0xBF>": 386 };
    const decoder = { type: "Sequence", decoders: [{ type: "ByteFallback" }, { type: "Fuse" }] };
    const bytes = await load({ json: { model: { ...json.model, vocab }, decoder } });
    expect(bytes.decode([69, 384, 385, 386])).toBe("a\ufeff");
    expect(bytes.decode([384, 385, 386, 384, 69])).toBe("\ufffd\ufffd\ufffd\ufffda");
  });

  test("bad ids and options", () => {
    expect(() => tokenizer.decode([-100])).toThrow("cannot decode -100: token ids are integers >= 0");
    expect(() => tokenizer.decode([0.5])).toThrow("cannot decode 0.5");
    // @ts-expect-error: what JavaScript users may pass
    expect(() => tokenizer.decode([1], { skip_special: true })).toThrow(
      "decode has no option 'skip_special'",
    );
  });

  test("clean-up is never done for BPE, as in transformers, unless the files force it", async () => {
    const ids = tokenizer.encode("dogs , cats .");
    expect(tokenizer.decode(ids, { clean_up_tokenization_spaces: true })).toBe("dogs , cats .");
    const asked = await load({ config: { clean_up_tokenization_spaces: true } });
    expect([asked.decode(ids), asked.clean_up_tokenization_spaces]).toEqual(["dogs , cats .", false]);
    const forced = { clean_up_tokenization_spaces_for_bpe_even_though_it_will_corrupt_output: true };
    const cleaning = await load({ config: { clean_up_tokenization_spaces: true, ...forced } });
    expect(cleaning.decode(ids)).toBe("dogs, cats.");
    expect(cleaning.decode(ids, { clean_up_tokenization_spaces: false })).toBe("dogs , cats .");
    const silent = await load({ config: { clean_up_tokenization_spaces: undefined, ...forced } });
    expect(silent.decode(ids)).toBe("dogs , cats .");
  });

  test("what a program sets, calls read", async () => {
    const some = await load({ config: { pad_token: null } });
    expect(() => some(["a", "aa"], { padding: true })).toThrow('set tokenizer.pad_token = "<|end_of_text|>"');
    some.pad_token = some.eos_token;
    some.padding_side = "left";
    const pad = some.eos_token_id!;
    expect(some.pad_token_id).toBe(pad);
    expect(some(["a", "aa"], { padding: "max_length", max_length: 4 }).input_ids[0]!.slice(0, 2)).toEqual([
      pad,
      pad,
    ]);
    some.pad_token_id = some.bos_token_id;
    expect(some.pad_token).toBe(some.bos_token);
    some.truncation_side = "left";
    expect(some.encode("ab", { max_length: 1, truncation: true })).toEqual(some.encode("b"));
    some.model_max_length = 2;
    expect(some.encode("a b c d e", { truncation: true })).toHaveLength(2);
    expect(() => Object.assign(some, { padding_side: "middle" })).toThrow(
      'option \'padding_side\' of tokenizer is the text "middle", expected "left", "right"',
    );
    expect(() => Object.assign(some, { pad_token: "<nope>" })).toThrow(
      'pad_token "<nope>" is not in the vocabulary; take a token that is, such as "<|end_of_text|>"',
    );
    expect(() => Object.assign(some, { pad_token_id: 9999 })).toThrow("pad_token_id 9999 is no token");
  });

  test("tokenizer.json alone is enough, and may keep padding and truncation", async () => {
    const json = JSON.parse(new TextDecoder().decode(readGolden("tokenizer.json")));
    const padding = {
      strategy: "BatchLongest",
      direction: "Left",
      pad_id: 2,
      pad_type_id: 0,
      pad_token: "<|end_of_text|>",
    };
    const truncation = { direction: "Left", max_length: 4, strategy: "LongestFirst", stride: 0 };
    const files = {
      "tokenizer.json": new TextEncoder().encode(JSON.stringify({ ...json, padding, truncation })),
    };
    const alone = await loadTokenizer(memoryFiles(files));
    expect([alone.pad_token, alone.padding_side, alone.truncation_side]).toEqual([
      "<|end_of_text|>",
      "left",
      "left",
    ]);
    expect(alone(["Hello world", "the"], { padding: true }).input_ids).toEqual([
      [44, 73, 331, 83, 265, 309, 351],
      [2, 2, 2, 2, 2, 88, 262],
    ]);
  });

  test("what the files write for nothing: -1, an empty token", async () => {
    const empty = await load({
      config: { model_max_length: -1, unk_token: "", additional_special_tokens: ["", "<x>"] },
    });
    expect([empty.model_max_length, empty.unk_token]).toEqual([Number.POSITIVE_INFINITY, undefined]);
    expect(empty.all_special_tokens).not.toContain("");
  });
});

describe("what tokenizer_config.json says of a token goes before tokenizer.json", () => {
  const plain = {
    content: "<m>",
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    special: false,
  };
  const added = JSON.parse(new TextDecoder().decode(readGolden("tokenizer.json")));
  const json = { ...added, added_tokens: [...added.added_tokens, { id: 384, ...plain }] };
  const withConfig = (config: object) =>
    loadTokenizer(
      memoryFiles({
        "tokenizer.json": new TextEncoder().encode(JSON.stringify(json)),
        "tokenizer_config.json": new TextEncoder().encode(JSON.stringify(config)),
      }),
    );
  const skip = { skip_special_tokens: true };

  test("a token with a role is special", async () => {
    expect((await withConfig({})).decode([92, 384, 93], skip)).toBe("x<m>y");
    expect((await withConfig({ eos_token: "<m>" })).decode([92, 384, 93], skip)).toBe("xy");
  });

  test("added_tokens_decoder: special, and white space that it takes along", async () => {
    const stripping = { ...plain, special: true, lstrip: true, rstrip: true };
    const tokenizer = await withConfig({ added_tokens_decoder: { 384: stripping } });
    expect(tokenizer.decode([92, 384, 93], skip)).toBe("xy");
    expect(tokenizer.encode("x <m> y")).toEqual([92, 384, 93]);
    const asObject = await withConfig({ eos_token: { content: "<m>", lstrip: true, rstrip: true } });
    expect(asObject.encode("x <m> y")).toEqual([92, 384, 93]);
  });

  test("a template may name tokens in its own way, with their ids", async () => {
    const post_processor = {
      type: "TemplateProcessing",
      single: [{ SpecialToken: { id: "X", type_id: 0 } }, { Sequence: { id: "A", type_id: 0 } }],
      pair: [{ Sequence: { id: "A", type_id: 0 } }, { Sequence: { id: "B", type_id: 1 } }],
      special_tokens: { X: { id: "X", ids: [1, 2], tokens: ["<|begin_of_text|>", "<|end_of_text|>"] } },
    };
    const file = new TextEncoder().encode(JSON.stringify({ ...json, post_processor }));
    const tokenizer = await loadTokenizer(memoryFiles({ "tokenizer.json": file }));
    expect(tokenizer.encode("the")).toEqual([1, 2, 88, 262]);
  });
});

describe("added tokens, as Hugging Face's tokenizers 0.23.3 has them", () => {
  const llama2 = JSON.parse(readFileSync(new URL("../llama2-bpe/tokenizer.json", folder), "utf8"));
  const unigram = JSON.parse(readFileSync(new URL("../unigram/tokenizer.json", folder), "utf8"));
  const plain = { special: false, normalized: false, single_word: false, lstrip: false, rstrip: false };
  const withTokens = (json: typeof llama2, ...tokens: object[]) => {
    const added_tokens = [...json.added_tokens, ...tokens.map((token) => ({ ...plain, ...token }))];
    return loadTokenizer(memoryFiles({ "tokenizer.json": utf8({ ...json, added_tokens }) }));
  };
  const bare = { add_special_tokens: false };

  test("a text that the model does not know is not the added token of that name", async () => {
    const words = { single_word: true };
    const one = await withTokens(unigram, { id: 479, content: "中", ...words });
    expect(one.encode("x中 中文 中", bare)).toEqual([
      259, 390, 231, 187, 176, 259, 231, 187, 176, 233, 153, 138, 259, 479,
    ]);
    const other = await withTokens(llama2, { id: 480, content: "é", ...words });
    expect(other.encode("cé é", bare)).toEqual([339, 198, 172, 315, 480]);
  });

  test("what a model does not know is joined within a word, not across words", async () => {
    const joining = { ...llama2.model, byte_fallback: false, fuse_unk: true };
    const digits = { type: "Digits", individual_digits: true };
    const json = { ...llama2, model: joining, pre_tokenizer: digits };
    expect((await withTokens(json)).encode("é½ﬁ½", bare)).toEqual([315, 0, 0, 0, 0]);
  });

  test("the white space that a token takes along is Rust's: U+0085, not U+FEFF", async () => {
    const taking = await withTokens(parse("tokenizer.json"), {
      id: 384,
      content: "<m>",
      lstrip: true,
      rstrip: true,
    });
    expect(taking.encode("a\ufeff<m>\u0085a")).toEqual([69, 176, 124, 128, 384, 69]);
    expect(taking.encode("a\u0085<m>\ufeffa")).toEqual([69, 384, 176, 124, 128, 69]);
  });

  test("decode writes a token as the normalizer has it, and leaves special ones out by their id", async () => {
    const normalized = { normalized: true };
    const both = await withTokens(
      llama2,
      { id: 480, content: "<m>", ...normalized },
      { id: 481, content: "<n>", ...normalized, special: true },
    );
    expect([480, 481].map(both.convert_ids_to_tokens)).toEqual(["▁<m>", "▁<n>"]);
    const ids = both.encode("<m> x <n>", bare);
    expect(ids).toEqual([480, 315, 312, 481]);
    expect(both.decode(ids)).toBe("<m> x <n>");
    // Python keeps <n>, for it looks for "▁<n>" among the special tokens.
    expect(both.decode(ids, { skip_special_tokens: true })).toBe("<m> x");
    both.pad_token_id = 480;
    expect([both.pad_token, both.pad_token_id]).toEqual(["<m>", 480]);
  });

  test("a letter that is a byte's is that byte, also in an added token", async () => {
    const json = parse("tokenizer.json");
    // A token of the vocabulary keeps its id there, whatever the file says.
    const added = await withTokens(json, { id: 999, content: "é" }, { id: 384, content: "中" });
    expect(added.encode("é中")).toEqual([170, 384]);
    // 0xE9 alone is no UTF-8.
    expect(added.decode([69, 170, 384])).toBe("a\ufffd中");
    const bareTokens = await withTokens({ ...json, decoder: null });
    expect(bareTokens.decode([69, 82])).toBe("a n");
  });
});

describe("special tokens of the files", () => {
  test("one that tokenizer.json lacks is added behind the others", async () => {
    const more = await load({
      config: { mask_token: { content: "<mask>" }, additional_special_tokens: ["<x>"] },
    });
    expect(more.encode("a<x><mask>a")).toEqual([69, 385, 384, 69]);
    expect(more.decode([69, 385, 384], { skip_special_tokens: true })).toBe("a");
    expect(more.vocab_size).toBe(expected.vocab_size);
  });

  test("added_tokens_decoder gives ids", async () => {
    const more = await load({
      config: { added_tokens_decoder: { "400": { content: "<y>", special: false } } },
    });
    expect(more.encode("<y>")).toEqual([400]);
    expect(more.decode([400], { skip_special_tokens: true })).toBe("<y>");
  });

  test("special_tokens_map.json counts for older files", async () => {
    const map = { eos_token: { content: "<|im_end|>", lstrip: false } };
    expect((await load({ map })).eos_token_id).toBe(4);
    expect((await load({ map, config: { added_tokens_decoder: {} } })).eos_token_id).toBe(2);
    expect((await load({ map }, { eos_token: "<|pad|>" })).eos_token_id).toBe(0);
  });
});

describe("files that are refused", () => {
  const model = parse("tokenizer.json").model;
  test.each<[string, Parameters<typeof load>[0], string]>([
    ["no model", { json: { model: undefined } }, "'model' of tokenizer.json is undefined"],
    [
      "no vocabulary",
      { json: { model: { ...model, vocab: undefined } } },
      "vocabulary of tokenizer.json is damaged",
    ],
    ["id as text", { json: { model: { ...model, vocab: { a: "1" } } } }, "'a' has the id the text \"1\""],
    [
      "unigram pair",
      { json: { model: { type: "Unigram", vocab: [["a"]] } } },
      "entry 0 is not a pair of text and score",
    ],
    [
      "unknown model",
      { json: { model: { type: "Magic", vocab: {} } } },
      "'model.type' of tokenizer.json is the text \"Magic\"; supported are BPE, Unigram, WordPiece",
    ],
    [
      "unknown decoder",
      { json: { decoder: { type: "Magic" } } },
      "the decoder 'Magic' of tokenizer.json is not supported; supported are BPEDecoder",
    ],
    ["added_tokens", { json: { added_tokens: {} } }, "'added_tokens' of tokenizer.json is an object"],
    [
      "an added token",
      { json: { added_tokens: [{ id: -1, content: "x" }] } },
      "has an added token that is not",
    ],
    [
      "template",
      { json: { post_processor: { type: "TemplateProcessing" } } },
      "the post-processor of tokenizer.json is damaged: 'single' is undefined",
    ],
    [
      "template without text",
      { json: { post_processor: { ...framing, single: [] } } },
      "does not keep a text as one piece",
    ],
    [
      "template with unknown token",
      {
        json: {
          post_processor: {
            ...framing,
            single: [{ SpecialToken: { id: "<?>" } }, { Sequence: { id: "A" } }],
          },
        },
      },
      "'special_tokens' has no ids of '<?>'; download",
    ],
    [
      "padding_side",
      { config: { padding_side: "up" } },
      "'padding_side' of tokenizer_config.json is the text \"up\"",
    ],
    [
      "model_max_length",
      { config: { model_max_length: "x" } },
      "'model_max_length' of tokenizer_config.json",
    ],
    [
      "eos_token",
      { config: { eos_token: 7 } },
      "'eos_token' of tokenizer_config.json is 7, expected a token as text",
    ],
    ["extra tokens", { config: { extra_special_tokens: "x" } }, "expected a list of tokens"],
    ["map", { map: { eos_token: [] } }, "'eos_token' of special_tokens_map.json is a list"],
  ])("%s", async (_, change, message) => {
    const failure = load(change);
    await expect(failure).rejects.toThrow(message);
    await expect(failure).rejects.toBeInstanceOf(FusewireError);
  });

  test("missing and broken files, unknown settings", async () => {
    const json = readGolden("tokenizer.json");
    await expect(loadTokenizer(memoryFiles({}, "'tiny'"))).rejects.toThrow(
      "'tiny' has no tokenizer.json; download",
    );
    await expect(loadTokenizer(memoryFiles({ "tokenizer.json": json.slice(0, 500) }))).rejects.toThrow(
      "tokenizer.json is not valid JSON: this string does not end at line 26",
    );
    // @ts-expect-error: what JavaScript users may pass
    await expect(load({}, { use_fast: true })).rejects.toThrow("loadTokenizer has no option 'use_fast'");
  });
});
