import { FusewireError } from "@fusewire/ir";
import { isJsonObject, type JsonObject, type JsonValue } from "../files/index.ts";
import { createAddedSplit, type Section } from "./added-split.ts";
import { type AlignedText, alignNormalized, type Span } from "./align.ts";
import type { Library } from "./library.ts";
import { readSpelling, spansOfTokens, trimSpans } from "./token-spans.ts";
import type { AddedToken } from "./vocab.ts";

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

/** Tokens of one section, before bytes take the place of what the vocabulary lacks. */
interface Pieces {
  readonly tokens: readonly string[];
  readonly spans: readonly Span[] | undefined;
}

/** Text to ids by the library's parts: it can neither leave special tokens in a text nor say where tokens are. */
export function createEncoder(
  library: Library,
  added: readonly AddedToken[],
  json: JsonObject,
  model: JsonObject,
  byteIds: readonly number[] | undefined,
): Encoder {
  const { normalizer, pre_tokenizer: preTokenizer } = library;
  const spelling = readSpelling(json, model, (letter) => library.token_to_id(letter) !== undefined);
  const trimming = findTrimming(json.post_processor);
  const isNormalized = (token: AddedToken): boolean => token.normalized && normalizer !== null;
  const splitGiven = createAddedSplit(
    added.filter((token) => !isNormalized(token)),
    (token) => token.content,
  );
  const splitNormalized = createAddedSplit(added.filter(isNormalized), (token) =>
    normalizer ? normalizer(token.content) : token.content,
  );
  const byContent = new Map(added.map((token) => [token.content, token]));
  /** Tokens that models give for what they do not know; Unigram's library keeps the text instead. */
  const { unknown } = spelling;

  /**
   * A vocabulary may spell out its special tokens, and plain text must not become them: the word is cut inside.
   * Cutting the tokens afterwards would not do, for the library joins <unk> with what it does not know.
   */
  const plainTokens = (word: string, finds: Finds): readonly string[] => {
    const tokens = library.model([word]);
    const hidden = tokens.find((token) => {
      const hit = byContent.get(token);
      return hit && token !== unknown && !isFound(hit, finds);
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
    return finds === "all" ? library.model([...words]) : words.flatMap((word) => plainTokens(word, finds));
  };

  const encodeSection = (section: Section, text: string, finds: Finds, withSpans: boolean): Pieces[] => {
    const { start, end, token } = section;
    if (token) return [{ tokens: [token.content], spans: withSpans ? [[start, end]] : undefined }];
    const given = text.slice(start, end);
    const aligned = withSpans ? alignNormalized(normalizer, given, start) : undefined;
    const normalized = aligned?.text ?? normalizer?.(given) ?? given;
    return splitNormalized(normalized, (one) => isFound(one, finds)).map((inner) => {
      const part = aligned && cutAligned(aligned, inner);
      if (inner.token)
        return {
          tokens: [inner.token.content],
          spans: part && [[part.origins[0]![0], part.origins.at(-1)![1]]],
        };
      const isStart = start === 0 && inner.start === 0;
      const tokens = modelTokens(normalized.slice(inner.start, inner.end), isStart, finds);
      return { tokens, spans: part && spansOfTokens(tokens, part, spelling) };
    });
  };

  const idsOf = (token: string): readonly number[] => {
    const id = library.token_to_id(token);
    if (id !== undefined) return [id];
    if (byteIds) return Array.from(new TextEncoder().encode(token), (byte) => byteIds[byte] ?? 0);
    return library.model.unk_token_id === undefined ? [] : [library.model.unk_token_id];
  };

  return {
    encode(text, finds, withSpans) {
      const pieces = splitGiven(text, (token) => isFound(token, finds)).flatMap((section) =>
        encodeSection(section, text, finds, withSpans),
      );
      const tokens = pieces.flatMap((piece) => piece.tokens);
      if (!withSpans) return { ids: tokens.flatMap(idsOf), spans: undefined };
      const exact = pieces.flatMap((piece) => piece.spans ?? []);
      const spans = trimming ? trimSpans(tokens, exact, trimming.keepsFirst) : exact;
      return {
        ids: tokens.flatMap(idsOf),
        spans: tokens.flatMap((token, i) => idsOf(token).map(() => spans[i]!)),
      };
    },
  };
}

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
