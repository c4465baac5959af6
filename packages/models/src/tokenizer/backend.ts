import { FusewireError } from "@fusewire/ir";
import { Tokenizer as LibraryTokenizer } from "@huggingface/tokenizers";
import { isJsonObject, type JsonObject, type JsonValue, kindOf } from "../files/index.ts";
import type { SpecialTokens } from "./special-tokens.ts";

/** What of the library is used. Stated here because its own types do not resolve under every module resolution. */
interface Library {
  readonly decoder: LibraryDecoder | null;
  readonly post_processor: ((tokens: string[], pair: null, special: boolean) => { tokens: string[] }) | null;
  encode(
    text: string,
    options: { add_special_tokens: boolean },
  ): { ids: (number | undefined)[]; tokens: string[] };
  decode(ids: number[], options: { clean_up_tokenization_spaces: boolean }): string;
  token_to_id(token: string): number | undefined;
  id_to_token(id: number): string | undefined;
}

interface LibraryDecoder {
  readonly config: { readonly type?: string };
  readonly decoders?: readonly LibraryDecoder[];
  text_decoder?: { decode(bytes: Uint8Array): string };
}

/** tokenizer.json at work: text to ids and back, without padding, truncation and the special tokens around a text. */
export interface Backend {
  /** Ids of the text alone. */
  encode(text: string): number[];
  /** Ids that the post-processor puts before and after every text. */
  readonly prefix: readonly number[];
  readonly suffix: readonly number[];
  /** Ids without a token are left out, as Hugging Face does. */
  decode(ids: readonly number[], cleanUp: boolean): string;
  tokenToId(token: string): number | undefined;
  idToToken(id: number): string | undefined;
  /** Ids that `skip_special_tokens` leaves out. */
  readonly skipped: ReadonlySet<number>;
  /** Without added tokens. */
  readonly vocabSize: number;
}

interface AddedToken {
  readonly id: number;
  readonly content: string;
  readonly special: boolean;
}

const FILE = "tokenizer.json";
const MODEL_TYPES = ["BPE", "Unigram", "WordPiece"];

/** Builds the tokenizer of a parsed tokenizer.json. Special tokens that it lacks are added, as Hugging Face does. */
export function createBackend(json: JsonObject, config: JsonObject, special: SpecialTokens): Backend {
  const model = json.model;
  if (!isJsonObject(model))
    throw new FusewireError(
      `'model' of ${FILE} is ${kindOf(model)}, expected an object; download the file again`,
    );
  // Files of 2020 leave the type out; the library then takes it from the other fields.
  if (model.type !== undefined && !MODEL_TYPES.includes(String(model.type)))
    throw new FusewireError(
      `'model.type' of ${FILE} is ${kindOf(model.type)}; supported are ${MODEL_TYPES.join(", ")}: convert the tokenizer`,
    );
  const vocab = readVocab(model);
  const added = allAddedTokens(json, config, special, vocab);
  const { library, framed, bare } = createLibrary(
    { ...json, added_tokens: added.json },
    special.named.eos_token,
  );
  const [prefix, suffix] = frameOf(library, framed, bare);
  const byteIds = readByteIds(model, vocab);
  return {
    prefix,
    suffix,
    skipped: new Set(added.tokens.filter((token) => token.special).map((token) => token.id)),
    vocabSize: vocab.size,
    encode(text) {
      const { ids, tokens } = library.encode(text, { add_special_tokens: false });
      const known = (id: number | undefined): id is number => id !== undefined;
      if (!byteIds) return ids.filter(known);
      return ids.flatMap((id, i) => bytesOfUnknown(tokens[i] ?? "", library, byteIds) ?? id).filter(known);
    },
    decode(ids, cleanUp) {
      const known = ids.filter((id) => library.id_to_token(id) !== undefined);
      // The library refuses an empty list.
      return known.length === 0 ? "" : library.decode(known, { clean_up_tokenization_spaces: cleanUp });
    },
    tokenToId: (token) => library.token_to_id(token),
    idToToken: (id) => library.id_to_token(id),
  };
}

/** Ids of the 256 byte tokens of a Unigram model with byte fallback, which the library leaves out for Unigram. */
function readByteIds(model: JsonObject, vocab: Vocab): readonly number[] | undefined {
  if (model.type !== "Unigram" || model.byte_fallback !== true) return undefined;
  return Array.from({ length: 256 }, (_, byte) => {
    const token = `<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`;
    const id = vocab.id(token);
    if (id === undefined) throw vocabError(`byte_fallback is on, but '${token}' is missing`);
    return id;
  });
}

/** The library keeps the text of what it does not know as a token; undefined for a token of the vocabulary. */
function bytesOfUnknown(token: string, library: Library, byteIds: readonly number[]): number[] | undefined {
  if (library.token_to_id(token) !== undefined) return undefined;
  return Array.from(new TextEncoder().encode(token), (byte) => byteIds[byte] ?? 0);
}

const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Hugging Face gives one replacement character for each byte of a run of byte tokens that is not UTF-8 as a whole,
 * and keeps a byte order mark; the library does neither.
 */
function repairByteFallback(decoder: LibraryDecoder): void {
  for (const inner of decoder.decoders ?? []) repairByteFallback(inner);
  if (decoder.config.type !== "ByteFallback") return;
  decoder.text_decoder = {
    decode(bytes) {
      try {
        return strictUtf8.decode(bytes);
      } catch {
        return "\ufffd".repeat(bytes.length);
      }
    },
  };
}

const STAND_IN = "text";

/** The library's tokenizer, and what its post-processor makes of one stand-in token, and of none. */
function createLibrary(json: JsonObject, eosToken: string | undefined) {
  const parts = { decoder: null, post_processor: null, pre_tokenizer: null, normalizer: null };
  // tokenizer_config.json may hold settings of old Python tokenizers, which tokenizer.json overrides: not passed on.
  const config = eosToken === undefined ? {} : { eos_token: eosToken };
  try {
    const library = new LibraryTokenizer({ ...parts, ...json }, config) as Library;
    if (library.decoder) repairByteFallback(library.decoder);
    const process = (tokens: string[]): string[] =>
      library.post_processor?.(tokens, null, true).tokens ?? tokens;
    return { library, framed: process([STAND_IN]), bare: process([]) };
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new FusewireError(
      `${FILE} cannot be used (${reason}); download it again, or convert the tokenizer to a supported type`,
      { cause },
    );
  }
}

/** A post-processor puts fixed tokens around a text; seen once with a stand-in, they hold for every text. */
function frameOf(library: Library, framed: readonly string[], bare: readonly string[]): [number[], number[]] {
  // A special token may have the stand-in's name, hence the comparison.
  const at = framed.findIndex((token, i) => token === STAND_IN && token !== bare[i]);
  if (at < 0 || framed.length !== bare.length + 1)
    throw new FusewireError(
      `the post-processor of ${FILE} does not keep a text as one piece, which is not supported; convert the tokenizer`,
    );
  const ids = bare.map((token) => {
    const id = library.token_to_id(token);
    if (id !== undefined) return id;
    throw new FusewireError(
      `the post-processor of ${FILE} adds '${token}', which the vocabulary lacks; download the file again`,
    );
  });
  return [ids.slice(0, at), ids.slice(at)];
}

interface Vocab {
  readonly size: number;
  id(token: string): number | undefined;
}

/** BPE and WordPiece map tokens to ids; Unigram lists [token, score]. */
function readVocab(model: JsonObject): Vocab {
  const vocab = model.vocab;
  if (isJsonObject(vocab)) {
    const wrong = Object.entries(vocab).find(([, id]) => !isId(id));
    if (wrong) throw vocabError(`'${wrong[0]}' has the id ${kindOf(wrong[1])}`);
    return {
      size: Object.keys(vocab).length,
      id: (token) => (Object.hasOwn(vocab, token) ? Number(vocab[token]) : undefined),
    };
  }
  if (!Array.isArray(vocab)) throw vocabError(`it is ${kindOf(vocab)}`);
  const ids = new Map<JsonValue, number>();
  vocab.forEach((piece: JsonValue, id) => {
    if (!Array.isArray(piece) || typeof piece[0] !== "string" || typeof piece[1] !== "number")
      throw vocabError(`entry ${id} is not a pair of text and score`);
    ids.set(piece[0], id);
  });
  return { size: vocab.length, id: (token) => ids.get(token) };
}

const vocabError = (reason: string): FusewireError =>
  new FusewireError(`the vocabulary of ${FILE} is damaged: ${reason}; download the file again`);

const isId = (value: JsonValue | undefined): value is number =>
  typeof value === "number" && Number.isSafeInteger(value) && value >= 0;

/** Added tokens of tokenizer.json, then those that only tokenizer_config.json knows, with ids as Hugging Face gives. */
function allAddedTokens(
  json: JsonObject,
  config: JsonObject,
  special: SpecialTokens,
  vocab: Vocab,
): { readonly json: readonly JsonObject[]; readonly tokens: readonly AddedToken[] } {
  const byContent = new Map<string, JsonObject>();
  const tokens: AddedToken[] = [];
  const add = (value: JsonValue, where: string): void => {
    if (!isJsonObject(value) || !isId(value.id) || typeof value.content !== "string" || value.content === "")
      throw new FusewireError(
        `${where} has an added token that is not an object with 'id' and 'content'; download the file again`,
      );
    if (byContent.has(value.content)) return;
    byContent.set(value.content, value);
    tokens.push({ id: value.id, content: value.content, special: value.special === true });
  };

  const list = json.added_tokens ?? [];
  if (!Array.isArray(list))
    throw new FusewireError(
      `'added_tokens' of ${FILE} is ${kindOf(list)}, expected a list; download it again`,
    );
  for (const token of list) add(token, FILE);
  const decoder = config.added_tokens_decoder ?? {};
  if (!isJsonObject(decoder))
    throw new FusewireError(
      `'added_tokens_decoder' of tokenizer_config.json is ${kindOf(decoder)}, expected an object; download it again`,
    );
  for (const [id, token] of Object.entries(decoder))
    add(isJsonObject(token) ? { ...token, id: Number(id) } : token, "tokenizer_config.json");
  for (const content of [...Object.values(special.named), ...special.extra]) {
    if (byContent.has(content)) continue;
    const next = tokens.reduce((id, token) => Math.max(id, token.id + 1), vocab.size);
    add({ id: vocab.id(content) ?? next, content, special: true, normalized: false }, FILE);
  }
  return { json: [...byContent.values()], tokens };
}
