import { FusewireError } from "@fusewire/ir";
import { isJsonObject, type JsonObject, type JsonValue } from "../files/index.ts";
import { createAddedSplit, type Section } from "./added-split.ts";
import { type AlignedText, alignNormalized, type Span } from "./align.ts";
import type { Model } from "./library.ts";
import type { Normalizer } from "./normalizers/index.ts";
import type { PreTokenizer } from "./pre-tokenizers/index.ts";
import { readSpelling, spansOfTokens, trimSpans } from "./token-spans.ts";
import type { AddedToken, Vocab } from "./vocab.ts";

/** Which added tokens a text may hold: all, those that are not special, or none. The others are plain text. */
export type Finds = "all" | "ordinary" | "none";

export interface EncodedText {
  readonly ids: number[];
  /** Where each token stands in the text, in UTF-16 units. */
  readonly spans: readonly Span[] | undefined;
}

export interface Encoder {
  /** Tokens of the text alone. Spans cost more than the ids: only on demand. */
  encode(text: string, finds: Finds, withSpans: boolean): EncodedText;
}

/** What `createEncoder` works with. */
export interface EncoderParts {
  readonly normalizer: Normalizer | undefined;
  readonly preTokenizer: PreTokenizer | undefined;
  readonly model: Model;
  readonly vocab: Vocab;
  /** Ids of the tokens of single bytes, for what the vocabulary lacks. */
  readonly byteIds: readonly number[] | undefined;
  readonly addedTokens: readonly AddedToken[];
}

/** Tokens of one section. */
interface Pieces {
  readonly tokens: readonly string[];
  /** Of each token; several where bytes take the place of what the vocabulary lacks. */
  readonly ids: readonly (readonly number[])[];
  readonly spans: readonly Span[] | undefined;
}

/** Text to ids. `json` is tokenizer.json, and `modelJson` the model of it. */
export function createEncoder(parts: EncoderParts, json: JsonObject, modelJson: JsonObject): Encoder {
  const { normalizer, preTokenizer, model, vocab, byteIds, addedTokens: added } = parts;
  const spelling = readSpelling(json, modelJson, (letter) => vocab.id(letter) !== undefined);
  const trimming = findTrimming(json.post_processor);
  const isNormalized = (token: AddedToken): boolean => token.normalized && normalizer !== undefined;
  const splitGiven = createAddedSplit(
    added.filter((token) => !isNormalized(token)),
    (token) => token.content,
  );
  const splitNormalized = createAddedSplit(added.filter(isNormalized), (token) =>
    normalizedContent(token, normalizer),
  );
  const byContent = new Map(added.map((token) => [token.content, token]));
  /** Tokens that models give for what they do not know; Unigram's library keeps the text instead. */
  const { unknown } = spelling;

  /**
   * A vocabulary may spell out its special tokens, and plain text must not become them: the word is cut inside.
   * Cutting the tokens afterwards would not do, for the library joins <unk> with what it does not know.
   */
  const plainTokens = (word: string, finds: Finds): readonly string[] => {
    const tokens = model([word]);
    const hidden = tokens.find((token) => {
      const hit = byContent.get(token);
      return hit && token !== unknown && vocab.id(token) !== undefined && !isFound(hit, finds);
    });
    if (hidden === undefined) return tokens;
    const first = String.fromCodePoint(hidden.codePointAt(0)!);
    const cut = word.indexOf(hidden) + first.length;
    if (hidden === first || !word.includes(hidden))
      throw new FusewireError(
        `the text '${hidden}' cannot be told from the special token '${hidden}' by this tokenizer; leave it out of the text`,
      );
    return [word.slice(0, cut), word.slice(cut)].flatMap((part) => plainTokens(part, finds));
  };

  const modelTokens = (text: string, isStart: boolean, finds: Finds): readonly string[] => {
    const words = preTokenizer?.(text, isStart) ?? [text];
    // One by one: a model joins neighbours that it does not know, and may not do so across words.
    return words.flatMap((word) => (finds === "all" ? model([word]) : plainTokens(word, finds)));
  };

  /** A text that the model does not know stays one, also where an added token has its name. */
  const idsOf = (token: string): readonly number[] => {
    const id = vocab.id(token);
    if (id !== undefined) return [id];
    if (byteIds) return Array.from(new TextEncoder().encode(token), (byte) => byteIds[byte] ?? 0);
    return model.unk_token_id === undefined ? [] : [model.unk_token_id];
  };

  const encodeSection = (section: Section, text: string, finds: Finds, withSpans: boolean): Pieces[] => {
    const { start, end, token } = section;
    if (token)
      return [{ tokens: [token.content], ids: [[token.id]], spans: withSpans ? [[start, end]] : undefined }];
    const given = text.slice(start, end);
    const aligned = withSpans ? alignNormalized(normalizer, given, start) : undefined;
    const normalized = aligned?.text ?? normalizer?.normalize(given) ?? given;
    return splitNormalized(normalized, (one) => isFound(one, finds)).map((inner) => {
      const part = aligned && cutAligned(aligned, inner);
      if (inner.token)
        return {
          tokens: [inner.token.content],
          ids: [[inner.token.id]],
          spans: part && [[part.origins[0]![0], part.origins.at(-1)![1]]],
        };
      const isStart = start === 0 && inner.start === 0;
      const tokens = modelTokens(normalized.slice(inner.start, inner.end), isStart, finds);
      return { tokens, ids: tokens.map(idsOf), spans: part && spansOfTokens(tokens, part, spelling) };
    });
  };

  return {
    encode(text, finds, withSpans) {
      const pieces = splitGiven(text, (token) => isFound(token, finds)).flatMap((section) =>
        encodeSection(section, text, finds, withSpans),
      );
      const ids = pieces.flatMap((piece) => piece.ids);
      if (!withSpans) return { ids: ids.flat(), spans: undefined };
      const tokens = pieces.flatMap((piece) => piece.tokens);
      const exact = pieces.flatMap((piece) => piece.spans ?? []);
      const spans = trimming ? trimSpans(tokens, exact, trimming.keepsFirst) : exact;
      return {
        ids: ids.flat(),
        spans: ids.flatMap((some, i) => some.map(() => spans[i]!)),
      };
    },
  };
}

/** An added token as it stands in normalized texts, and as `decode` writes it. */
export const normalizedContent = (token: AddedToken, normalizer: Normalizer | undefined): string =>
  token.normalized && normalizer ? normalizer.normalize(token.content) : token.content;

const isFound = (token: AddedToken, finds: Finds): boolean =>
  finds === "all" || (finds === "ordinary" && !token.special);

const cutAligned = ({ text, origins }: AlignedText, { start, end }: Section): AlignedText => ({
  text: text.slice(start, end),
  origins: origins.slice(start, end),
});

/** The post-processor that takes white space out of offsets, where there is one. */
function findTrimming(part: JsonValue | undefined): { readonly keepsFirst: boolean } | undefined {
  if (!isJsonObject(part)) return undefined;
  if (Array.isArray(part.processors))
    return part.processors.map(findTrimming).find((found) => found !== undefined);
  const trims =
    (part.type === "ByteLevel" || part.type === "RobertaProcessing") && part.trim_offsets === true;
  return trims ? { keepsFirst: part.add_prefix_space === true } : undefined;
}
