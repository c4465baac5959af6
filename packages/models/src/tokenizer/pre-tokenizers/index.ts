import type { JsonValue } from "../../files/index.ts";
import { escapeRegExp } from "../added-split.ts";
import { createPart, listIn, type PartWorld, patternIn, wordIn } from "../parts.ts";
import { byteLevel } from "./byte-level.ts";
import { bert, digits, fixedLength, punctuation, whitespace, whitespaceSplit } from "./characters.ts";
import { metaspace } from "./metaspace.ts";
import type { PreTokenizer, PreTokenizerKind } from "./pre-tokenizer.ts";
import { BEHAVIORS, splitText } from "./split.ts";

export type { PreTokenizer } from "./pre-tokenizer.ts";

/** Cuts at a text or a regular expression. */
const split: PreTokenizerKind = (settings, world) => {
  const behavior = wordIn(settings, "behavior", "pre-tokenizer", BEHAVIORS, "Isolated");
  const pattern = patternIn(settings, "pre-tokenizer", world);
  return (text) => splitText(text, pattern, behavior, settings.invert === true);
};

const charDelimiterSplit: PreTokenizerKind = ({ delimiter }) => {
  const regex = new RegExp(escapeRegExp(String(delimiter)), "gu");
  return (text) => splitText(text, regex, "Removed");
};

/** One pre-tokenizer after another: each cuts the words of the one before. */
const sequence: PreTokenizerKind = (settings, world) => {
  const parts = listIn(settings, "pretokenizers").map((part) => createPreTokenizer(part, world));
  return (text, isStart) =>
    parts.reduce<readonly string[]>(
      (words, part) => words.flatMap((word, i) => part(word, isStart && i === 0)),
      [text],
    );
};

const KINDS: Readonly<Record<string, PreTokenizerKind>> = {
  BertPreTokenizer: bert,
  ByteLevel: byteLevel,
  CharDelimiterSplit: charDelimiterSplit,
  Digits: digits,
  FixedLength: fixedLength,
  Metaspace: metaspace,
  Punctuation: punctuation,
  Sequence: sequence,
  Split: split,
  Whitespace: whitespace,
  WhitespaceSplit: whitespaceSplit,
};

/** The pre-tokenizer that a part of tokenizer.json describes; one that is not built is refused by its type. */
export function createPreTokenizer(part: JsonValue, world: PartWorld): PreTokenizer {
  const cut = createPart("pre-tokenizer", KINDS, part, world);
  return (text, isStart) => (text === "" ? [] : cut(text, isStart));
}
