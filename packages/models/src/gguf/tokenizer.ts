import { FusewireError } from "@fusewire/ir";
import type { JsonObject, JsonValue } from "../files/index.ts";
import type { GgufHeader, GgufValue } from "./header.ts";
import { mergesOf } from "./merges.ts";

/** Kinds of tokens in `tokenizer.ggml.token_type`. */
const [UNKNOWN, CONTROL, USER_DEFINED] = [2, 3, 4];

const GPT4 =
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
const QWEN2 = GPT4.replace("\\p{N}{1,3}", "\\p{N}");

const byteLevel = (use_regex: boolean): JsonObject => ({
  ...{ type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex },
});
const split = (Regex: string): JsonObject => ({
  type: "Sequence",
  pretokenizers: [
    { type: "Split", pattern: { Regex }, behavior: "Isolated", invert: false },
    byteLevel(false),
  ],
});

/** How text is cut before merging, by `tokenizer.ggml.pre`. */
const CUTS: Readonly<Record<string, JsonObject>> = {
  default: byteLevel(true),
  "gpt-2": byteLevel(true),
  smollm: {
    type: "Sequence",
    pretokenizers: [{ type: "Digits", individual_digits: true }, byteLevel(true)],
  },
  "llama-bpe": split(GPT4),
  llama3: split(GPT4),
  qwen2: split(QWEN2),
};

interface Vocabulary {
  readonly tokens: readonly string[];
  readonly scores: readonly number[] | undefined;
  readonly merges: readonly string[] | undefined;
  readonly kinds: readonly number[];
}

function listOf<T extends GgufValue>(
  { metadata }: GgufHeader,
  key: string,
  isItem: (item: GgufValue) => item is T,
  file: string,
): readonly T[] | undefined {
  const value = metadata.get(`tokenizer.ggml.${key}`);
  if (value === undefined) return undefined;
  if (Array.isArray(value)) {
    const list: readonly GgufValue[] = value;
    if (list.every(isItem)) return list;
  }
  throw new FusewireError(
    `tokenizer.ggml.${key} of ${file} is not a list of what it should have; download it again`,
  );
}

const isText = (item: GgufValue): item is string => typeof item === "string";
const isNumber = (item: GgufValue): item is number => typeof item === "number";

function vocabularyOf(header: GgufHeader, file: string): Vocabulary {
  const tokens = listOf(header, "tokens", isText, file);
  if (!tokens) throw new FusewireError(`${file} has no tokenizer; load one from another source`);
  return {
    tokens,
    scores: listOf(header, "scores", isNumber, file),
    merges: listOf(header, "merges", isText, file),
    kinds: listOf(header, "token_type", isNumber, file) ?? [],
  };
}

/** tokenizer.json and tokenizer_config.json, as transformers makes them of the metadata. */
export function tokenizerOf(
  header: GgufHeader,
  file: string,
): { readonly tokenizer: JsonObject; readonly config: JsonObject } {
  const model = header.metadata.get("tokenizer.ggml.model");
  if (model !== "llama" && model !== "gpt2")
    throw new FusewireError(
      `${file} has a tokenizer of the model ${JSON.stringify(model ?? null)}, which is not read; "llama" and "gpt2" are`,
    );
  const vocabulary = vocabularyOf(header, file);
  const config = settingsOf(header, vocabulary, model === "llama");
  const parts = model === "llama" ? sentencePiece(header, vocabulary) : byteBpe(header, vocabulary, file);
  const added_tokens = vocabulary.tokens.flatMap((content, id): JsonObject[] => {
    const kind = vocabulary.kinds[id];
    if (kind !== CONTROL && kind !== UNKNOWN && kind !== USER_DEFINED) return [];
    const special = kind !== USER_DEFINED;
    return [{ id, content, special, single_word: false, lstrip: false, rstrip: false, normalized: false }];
  });
  return {
    tokenizer: {
      ...{ version: "1.0", truncation: null, padding: null, added_tokens },
      ...parts,
      post_processor: withBegin(config, vocabulary.tokens),
    },
    config,
  };
}

const ids = (tokens: readonly string[]): JsonObject =>
  Object.fromEntries(tokens.map((token, id) => [token, id]));

/** SentencePiece with scores: merges in the order of the scores, bytes for what has no token. */
function sentencePiece({ metadata }: GgufHeader, { tokens, scores, merges }: Vocabulary): JsonObject {
  const prefix = metadata.get("tokenizer.ggml.add_space_prefix") !== false;
  const pairs = merges?.map((merge) => merge.split(" ")) ?? mergesOf(tokens, scores ?? []);
  const space: JsonObject = { type: "Replace", pattern: { String: " " }, content: "▁" };
  const strip: JsonObject = { type: "Strip", content: " ", start: 1, stop: 0 };
  return {
    normalizer: {
      type: "Sequence",
      normalizers: [...(prefix ? [{ type: "Prepend", prepend: "▁" }] : []), space],
    },
    pre_tokenizer: null,
    decoder: {
      type: "Sequence",
      decoders: [
        { type: "Replace", pattern: { String: "▁" }, content: " " },
        { type: "ByteFallback" },
        { type: "Fuse" },
        ...(prefix ? [strip] : []),
      ],
    },
    model: {
      ...{ type: "BPE", dropout: null, continuing_subword_prefix: null, end_of_word_suffix: null },
      ...{ unk_token: "<unk>", fuse_unk: true, byte_fallback: true, ignore_merges: false },
      ...{ vocab: ids(tokens), merges: pairs.map((pair) => [...pair]) },
    },
  };
}

function byteBpe({ metadata }: GgufHeader, { tokens, merges }: Vocabulary, file: string): JsonObject {
  const pre = metadata.get("tokenizer.ggml.pre") ?? "default";
  const cut = typeof pre === "string" && Object.hasOwn(CUTS, pre) ? CUTS[pre] : undefined;
  if (!cut)
    throw new FusewireError(
      `${file} cuts words by ${JSON.stringify(pre)}, which is not read; ${Object.keys(CUTS).join(", ")} are`,
    );
  if (!merges) throw new FusewireError(`${file} has no tokenizer.ggml.merges; download it again`);
  return {
    normalizer: null,
    pre_tokenizer: cut,
    decoder: byteLevel(true),
    model: {
      ...{ type: "BPE", dropout: null, continuing_subword_prefix: null, end_of_word_suffix: null },
      ...{ unk_token: null, fuse_unk: false, byte_fallback: false },
      ignore_merges: pre === "llama-bpe" || pre === "llama3",
      ...{ vocab: ids(tokens), merges: merges.map((merge) => merge.split(" ")) },
    },
  };
}

/** tokenizer_config.json: the special tokens by name, and the chat template. */
function settingsOf({ metadata }: GgufHeader, { tokens }: Vocabulary, begins: boolean): JsonObject {
  const get = (key: string) => metadata.get(`tokenizer.ggml.${key}`);
  const token = (key: string): JsonValue => {
    const id = get(key);
    return typeof id === "number" ? (tokens[id] ?? null) : null;
  };
  const template = metadata.get("tokenizer.chat_template");
  const flag = (key: string, fallback: boolean) => {
    const value = get(key);
    return typeof value === "boolean" ? value : fallback;
  };
  return {
    tokenizer_class: "PreTrainedTokenizerFast",
    clean_up_tokenization_spaces: false,
    add_bos_token: flag("add_bos_token", begins),
    add_eos_token: flag("add_eos_token", false),
    bos_token: token("bos_token_id"),
    eos_token: token("eos_token_id"),
    unk_token: token("unknown_token_id"),
    pad_token: token("padding_token_id"),
    ...(typeof template === "string" && { chat_template: template }),
  };
}

/** Puts the token that begins a text before it, and the one that ends it behind, where the file says so. */
function withBegin(
  { add_bos_token, add_eos_token, bos_token, eos_token }: JsonObject,
  tokens: readonly string[],
): JsonValue {
  const before = add_bos_token === true && typeof bos_token === "string" ? [bos_token] : [];
  const behind = add_eos_token === true && typeof eos_token === "string" ? [eos_token] : [];
  if (before.length + behind.length === 0) return null;
  const special = (id: string): JsonObject => ({ SpecialToken: { id, type_id: 0 } });
  const sequence = (id: string): JsonObject => ({ Sequence: { id, type_id: 0 } });
  const around = (id: string) => [...before.map(special), sequence(id), ...behind.map(special)];
  return {
    ...{ type: "TemplateProcessing", single: around("A"), pair: [...around("A"), ...around("B")] },
    special_tokens: Object.fromEntries(
      [...before, ...behind].map((id) => [id, { id, ids: [tokens.indexOf(id)], tokens: [id] }]),
    ),
  };
}
