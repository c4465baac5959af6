import { FusewireError } from "@fusewire/ir";
import { isJsonObject, type JsonObject, type JsonValue, kindOf } from "../files/index.ts";
import type { SpecialTokens } from "./special-tokens.ts";

/** Tokens of the trained model, without those that were added to it. */
export interface Vocab {
  readonly size: number;
  id(token: string): number | undefined;
  token(id: number): string | undefined;
}

/** A token that is found in a text before the model sees it. */
export interface AddedToken {
  readonly id: number;
  readonly content: string;
  readonly special: boolean;
  /** Looked for in the normalized text. */
  readonly normalized: boolean;
  /** Not found inside a word. */
  readonly single_word: boolean;
  /** Takes the white space before it along, or after it. */
  readonly lstrip: boolean;
  readonly rstrip: boolean;
}

/** BPE and WordPiece map tokens to ids; Unigram lists [token, score]. */
export function readVocab(model: JsonObject): Vocab {
  const vocab = model.vocab;
  if (isJsonObject(vocab)) {
    const wrong = Object.entries(vocab).find(([, id]) => !isId(id));
    if (wrong) throw vocabError(`'${wrong[0]}' has the id ${kindOf(wrong[1])}`);
    const tokens = new Map(Object.entries(vocab).map(([token, id]) => [Number(id), token]));
    return {
      size: Object.keys(vocab).length,
      id: (token) => (Object.hasOwn(vocab, token) ? Number(vocab[token]) : undefined),
      token: (id) => tokens.get(id),
    };
  }
  if (!Array.isArray(vocab)) throw vocabError(`it is ${kindOf(vocab)}`);
  const ids = new Map<string, number>();
  const tokens = vocab.map((piece: JsonValue, id) => {
    if (!Array.isArray(piece) || typeof piece[0] !== "string" || typeof piece[1] !== "number")
      throw vocabError(`entry ${id} is not a pair of text and score`);
    ids.set(piece[0], id);
    return piece[0];
  });
  return { size: vocab.length, id: (token) => ids.get(token), token: (id) => tokens[id] };
}

/** Ids of the 256 byte tokens of a Unigram model with byte fallback, which the library leaves out for Unigram. */
export function readByteIds(model: JsonObject, vocab: Vocab): readonly number[] | undefined {
  if (model.type !== "Unigram" || model.byte_fallback !== true) return undefined;
  return Array.from({ length: 256 }, (_, byte) => {
    const token = `<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`;
    const id = vocab.id(token);
    if (id === undefined) throw vocabError(`byte_fallback is on, but '${token}' is missing`);
    return id;
  });
}

const vocabError = (reason: string): FusewireError =>
  new FusewireError(`the vocabulary of tokenizer.json is damaged: ${reason}; download the file again`);

const isId = (value: JsonValue | undefined): value is number =>
  typeof value === "number" && Number.isSafeInteger(value) && value >= 0;

/**
 * Added tokens of tokenizer.json, then those that only tokenizer_config.json knows, with ids as Hugging Face gives. What
 * tokenizer_config.json says of a token goes before tokenizer.json, and a token with a role is special.
 */
export function readAddedTokens(
  json: JsonObject,
  config: JsonObject,
  special: SpecialTokens,
  vocab: Vocab,
): readonly AddedToken[] {
  const tokens = new Map<string, AddedToken>();
  const add = (value: JsonValue, where: string): void => {
    if (!isJsonObject(value) || !isId(value.id) || typeof value.content !== "string" || value.content === "")
      throw new FusewireError(
        `${where} has an added token that is not an object with 'id' and 'content'; download the file again`,
      );
    // A later description of a token replaces an earlier one; its place in the list stays.
    const isSpecial = value.special === true;
    tokens.set(value.content, {
      id: tokens.get(value.content)?.id ?? vocab.id(value.content) ?? value.id,
      content: value.content,
      special: isSpecial,
      normalized: typeof value.normalized === "boolean" ? value.normalized : !isSpecial,
      single_word: value.single_word === true,
      lstrip: value.lstrip === true,
      rstrip: value.rstrip === true,
    });
  };

  const list = json.added_tokens ?? [];
  if (!Array.isArray(list))
    throw new FusewireError(
      `'added_tokens' of tokenizer.json is ${kindOf(list)}, expected a list; download it again`,
    );
  for (const token of list) add(token, "tokenizer.json");
  const decoder = config.added_tokens_decoder ?? {};
  if (!isJsonObject(decoder))
    throw new FusewireError(
      `'added_tokens_decoder' of tokenizer_config.json is ${kindOf(decoder)}, expected an object; download it again`,
    );
  for (const [id, token] of Object.entries(decoder))
    add(isJsonObject(token) ? { ...token, id: Number(id) } : token, "tokenizer_config.json");
  for (const content of [...Object.values(special.named), ...special.extra]) {
    const known = tokens.get(content);
    const next = [...tokens.values()].reduce((id, token) => Math.max(id, token.id + 1), vocab.size);
    const flags = known ?? { id: vocab.id(content) ?? next, normalized: false };
    add({ ...flags, ...special.flags[content], content, special: true }, "tokenizer.json");
  }
  return [...tokens.values()];
}
