import { FusewireError } from "@fusewire/ir";
import { isJsonObject, type JsonObject, type JsonValue } from "../files/index.ts";
import type { AlignedText, Span } from "./align.ts";
import { BYTE_LETTERS } from "./byte-letters.ts";

/** How the tokens of a model spell a text. */
export interface Spelling {
  /** One letter for each UTF-8 byte, as GPT-2 has it. */
  readonly bytes: boolean;
  /** Characters outside the vocabulary become tokens such as <0xE4>. Not in Unigram, where the library has none. */
  readonly byteFallback: boolean;
  /** What stands before the pieces that continue a word. */
  readonly continuation: string;
  /** The token of letters that the vocabulary lacks: of each, or of a run of them. Unigram keeps their text. */
  readonly unknown: string | undefined;
  readonly fusesUnknown: boolean;
  /** Whether a pre-tokenizer leaves text out. */
  readonly removes: boolean;
  isKnown(letter: string): boolean;
}

export function readSpelling(
  json: JsonObject,
  model: JsonObject,
  isKnown: (letter: string) => boolean,
): Spelling {
  const hasBytes = (part: JsonValue | undefined): boolean =>
    isJsonObject(part) &&
    (part.type === "ByteLevel" || (Array.isArray(part.pretokenizers) && part.pretokenizers.some(hasBytes)));
  const removes = (part: JsonValue | undefined): boolean =>
    isJsonObject(part) &&
    (part.behavior === "Removed" || (Array.isArray(part.pretokenizers) && part.pretokenizers.some(removes)));
  const prefix = model.continuing_subword_prefix;
  return {
    bytes: hasBytes(json.pre_tokenizer),
    byteFallback: model.byte_fallback === true && model.type !== "Unigram",
    continuation: typeof prefix === "string" ? prefix : "",
    unknown: typeof model.unk_token === "string" ? model.unk_token : undefined,
    fusesUnknown: model.fuse_unk === true,
    removes: removes(json.pre_tokenizer),
    isKnown,
  };
}

const SPACE_MARK = "▁";
const BYTE_TOKEN = /^<0x([0-9A-F]{2})>$/;
const utf8 = new TextEncoder();

const SPACE_LETTER = BYTE_LETTERS[0x20];

/** Where each token of a run of text comes from: found by reading the text along with the tokens. */
export function spansOfTokens(tokens: readonly string[], text: AlignedText, spelling: Spelling): Span[] {
  const letters: string[] = [];
  const origins: Span[] = [];
  let unit = 0;
  for (const char of text.text) {
    const spelled = spelling.bytes ? Array.from(utf8.encode(char), (byte) => BYTE_LETTERS[byte]!) : [char];
    for (const letter of spelled) {
      letters.push(letter);
      origins.push([text.origins[unit]![0], text.origins[unit + char.length - 1]![1]]);
    }
    unit += char.length;
  }

  let next = 0;
  /** Bytes of the next letter that byte tokens have spelled already. */
  let bytesDone = 0;
  const fail = (token: string): never => {
    throw new FusewireError(
      `offsets of tokens are not known: '${token}' is not how tokenizer.json spells ${JSON.stringify(letters.slice(next, next + 8).join(""))}; leave out return_offsets_mapping and return_assistant_tokens_mask`,
    );
  };
  const joined = (from: number, to: number): Span => [origins[from]![0], origins[to]![1]];
  const isSame = (letter: string | undefined, char: string): boolean =>
    letter === char || (char === SPACE_MARK && letter === " ");
  // Pre-tokenizers put a space before a text.
  const isPutBefore = (char: string): boolean =>
    next === 0 && char === (spelling.bytes ? SPACE_LETTER : SPACE_MARK);

  const isLeftOut = (letter: string | undefined): boolean =>
    letter !== undefined && (spelling.removes || /^\s$/.test(letter));

  const readByte = (token: string, byte: number): Span => {
    const expected = utf8.encode(letters[next] ?? "");
    if (expected[bytesDone] !== byte) fail(token);
    const at = next;
    bytesDone += 1;
    if (bytesDone === expected.length) {
      bytesDone = 0;
      next += 1;
    }
    return joined(at, at);
  };

  const isUnknown = (letter: string | undefined): boolean =>
    letter !== undefined && !spelling.isKnown(letter);

  const readUnknown = (): Span => {
    const from = next;
    do next += 1;
    while (spelling.fusesUnknown && isUnknown(letters[next]));
    return joined(from, next - 1);
  };

  const readLetters = (token: string): Span => {
    if (token === spelling.unknown && isUnknown(letters[next])) return readUnknown();
    const inside = next > 0 && spelling.continuation !== "" && token.startsWith(spelling.continuation);
    let from: number | undefined;
    for (const char of inside ? token.slice(spelling.continuation.length) : token) {
      if (from === undefined && isPutBefore(char) && !isSame(letters[0], char)) continue;
      // Some pre-tokenizers leave white space out, others what they are told to.
      while (!isSame(letters[next], char) && isLeftOut(letters[next])) next += 1;
      if (!isSame(letters[next], char)) fail(token);
      from ??= next;
      next += 1;
    }
    return from === undefined ? joined(next, next) : joined(from, next - 1);
  };

  return tokens.map((token) => {
    const byte = spelling.byteFallback ? BYTE_TOKEN.exec(token)?.[1] : undefined;
    return byte === undefined ? readLetters(token) : readByte(token, Number.parseInt(byte, 16));
  });
}

/** Takes the white space out of the spans, as post-processors with `trim_offsets` do. */
export function trimSpans(tokens: readonly string[], spans: readonly Span[], keepsFirst: boolean): Span[] {
  const isSpace = (char: string | undefined): boolean =>
    char !== undefined && (char === SPACE_LETTER || /^\s$/.test(char));
  return spans.map(([start, end], i) => {
    const chars = [...(tokens[i] ?? "")];
    const trailing = chars.length - 1 - chars.findLastIndex((char) => !isSpace(char));
    let leading = chars.findIndex((char) => !isSpace(char));
    if (leading < 0) leading = chars.length;
    // The space that was put before the text is not in it.
    if (leading === 1 && keepsFirst && (i === 0 || start === 0)) leading = 0;
    const from = Math.min(start + leading, end);
    return [from, Math.max(end - trailing, from)];
  });
}
