import { FusewireError } from "@fusewire/ir";
import { isJsonObject, type JsonObject, type JsonValue, kindOf } from "../files/index.ts";
import { cleanUpSpaces } from "./clean-up.ts";
import { createDecoder } from "./decoders/index.ts";
import { createEncoder, type Encoder, normalizedContent } from "./encoder.ts";
import { createModel, world } from "./library.ts";
import { createNormalizer } from "./normalizers/index.ts";
import type { PartWorld } from "./parts.ts";
import { createFrame, type Frame } from "./post-processor.ts";
import { createPreTokenizer } from "./pre-tokenizers/index.ts";
import type { SpecialTokens } from "./special-tokens.ts";
import { createTokenBytes } from "./token-bytes.ts";
import { type AddedToken, readAddedTokens, readByteIds, readVocab } from "./vocab.ts";

/** tokenizer.json at work: text to ids and back, without padding, truncation and the special tokens around a text. */
export interface Backend extends Encoder, Frame {
  /** Ids without a token are left out, as Hugging Face does. */
  decode(ids: readonly number[], cleanUp: boolean): string;
  tokenToId(token: string): number | undefined;
  idToToken(id: number): string | undefined;
  /** The token as texts have it: the normalizer writes some added tokens otherwise. */
  writtenToken(id: number): string | undefined;
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
  const idOf = new Map(addedTokens.map(({ content, id }) => [content, id]));
  const contentOf = new Map(addedTokens.map(({ content, id }) => [id, content]));
  const tokenToId: Backend["tokenToId"] = (token) => idOf.get(token) ?? vocab.id(token);
  const idToToken: Backend["idToToken"] = (id) => contentOf.get(id) ?? vocab.token(id);

  const partOf = <Part>(key: string, create: (part: JsonValue, from: PartWorld) => Part): Part | undefined =>
    json[key] === undefined || json[key] === null ? undefined : create(json[key], world);
  const normalizer = partOf("normalizer", createNormalizer);
  const decoder = partOf("decoder", createDecoder);
  const encoder = createEncoder(
    {
      normalizer,
      preTokenizer: partOf("pre_tokenizer", createPreTokenizer),
      model: createModel(model, special.named.eos_token),
      vocab,
      byteIds: readByteIds(model, vocab),
      addedTokens,
    },
    json,
    model,
  );
  const written = new Map(addedTokens.map((token) => [token.id, normalizedContent(token, normalizer)]));
  const writtenToken: Backend["writtenToken"] = (id) => written.get(id) ?? vocab.token(id);
  const decode: Backend["decode"] = (ids, cleanUp) => {
    const tokens = ids.map(writtenToken).filter((token) => token !== undefined);
    const text = decoder ? decoder(tokens).join("") : tokens.join(" ");
    return cleanUp ? cleanUpSpaces(text) : text;
  };
  return {
    ...encoder,
    ...(partOf("post_processor", createFrame) ?? { prefix: [], suffix: [] }),
    addedTokens,
    skipped: new Set(addedTokens.filter((token) => token.special).map((token) => token.id)),
    vocabSize: vocab.size,
    sizeWithAddedTokens:
      vocab.size + addedTokens.filter((token) => vocab.id(token.content) === undefined).length,
    decode,
    tokenToId,
    idToToken,
    writtenToken,
    tokenBytes: createTokenBytes(json, {
      encode: (text) => encoder.encode(text, "all", false).ids,
      decode: (ids) => decode(ids, false),
      idToToken: writtenToken,
    }),
  };
}
