import { FusewireError } from "@fusewire/ir";
import { isJsonObject, type JsonObject, kindOf } from "../files/index.ts";
import { createEncoder, type Encoder } from "./encoder.ts";
import { createLibrary } from "./library.ts";
import type { SpecialTokens } from "./special-tokens.ts";
import { createTokenBytes } from "./token-bytes.ts";
import { type AddedToken, readAddedTokens, readByteIds, readVocab } from "./vocab.ts";

/** tokenizer.json at work: text to ids and back, without padding, truncation and the special tokens around a text. */
export interface Backend extends Encoder {
  /** Ids that the post-processor puts before and after every text. */
  readonly prefix: readonly number[];
  readonly suffix: readonly number[];
  /** Ids without a token are left out, as Hugging Face does. */
  decode(ids: readonly number[], cleanUp: boolean): string;
  tokenToId(token: string): number | undefined;
  idToToken(id: number): string | undefined;
  /** UTF-8 bytes that the token adds in the midst of a text. */
  tokenBytes(id: number): Uint8Array | undefined;
  readonly addedTokens: readonly AddedToken[];
  /** Ids that `skip_special_tokens` leaves out. */
  readonly skipped: ReadonlySet<number>;
  /** Without added tokens. */
  readonly vocabSize: number;
  readonly sizeWithAddedTokens: number;
}

const MODEL_TYPES = ["BPE", "Unigram", "WordPiece"];

/** Builds the tokenizer of a parsed tokenizer.json. Special tokens that it lacks are added, as Hugging Face does. */
export function createBackend(json: JsonObject, config: JsonObject, special: SpecialTokens): Backend {
  const model = json.model;
  if (!isJsonObject(model))
    throw new FusewireError(
      `'model' of tokenizer.json is ${kindOf(model)}, expected an object; download the file again`,
    );
  // Files of 2020 leave the type out; the library then takes it from the other fields.
  if (model.type !== undefined && !MODEL_TYPES.includes(String(model.type)))
    throw new FusewireError(
      `'model.type' of tokenizer.json is ${kindOf(model.type)}; supported are ${MODEL_TYPES.join(", ")}: convert the tokenizer`,
    );
  const vocab = readVocab(model);
  const addedTokens = readAddedTokens(json, config, special, vocab);
  const { library, prefix, suffix } = createLibrary(
    { ...json, added_tokens: addedTokens.map((token) => ({ ...token })) },
    special.named.eos_token,
  );
  const encoder = createEncoder(library, addedTokens, json, model, readByteIds(model, vocab));
  const decode: Backend["decode"] = (ids, cleanUp) => {
    const known = ids.filter((id) => library.id_to_token(id) !== undefined);
    // The library refuses an empty list.
    return known.length === 0 ? "" : library.decode(known, { clean_up_tokenization_spaces: cleanUp });
  };
  const idToToken = (id: number) => library.id_to_token(id);
  return {
    ...encoder,
    prefix,
    suffix,
    addedTokens,
    skipped: new Set(addedTokens.filter((token) => token.special).map((token) => token.id)),
    vocabSize: vocab.size,
    sizeWithAddedTokens:
      vocab.size + addedTokens.filter((token) => vocab.id(token.content) === undefined).length,
    decode,
    tokenToId: (token) => library.token_to_id(token),
    idToToken,
    tokenBytes: createTokenBytes(json, {
      encode: (text) => encoder.encode(text, "all", false).ids,
      decode: (ids) => decode(ids, false),
      idToToken,
    }),
  };
}
