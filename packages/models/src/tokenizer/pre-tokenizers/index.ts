import { FusewireError } from "@fusewire/ir";
import { isJsonObject, type JsonObject, type JsonValue, kindOf } from "../../files/index.ts";
import { escapeRegExp } from "../added-split.ts";
import { byteLevel } from "./byte-level.ts";
import { bert, digits, fixedLength, punctuation, whitespace, whitespaceSplit } from "./characters.ts";
import { metaspace } from "./metaspace.ts";
import { type PreTokenizer, type PreTokenizerKind, type PreTokenizerWorld, wordIn } from "./pre-tokenizer.ts";
import { BEHAVIORS, splitText } from "./split.ts";

export type { PreTokenizer } from "./pre-tokenizer.ts";

/** Cuts at a text or a regular expression. */
const split: PreTokenizerKind = (settings, { patternOf }) => {
  const { pattern, invert } = settings;
  if (!isJsonObject(pattern))
    throw new FusewireError(
      `'pattern' of the pre-tokenizer 'Split' in tokenizer.json is ${kindOf(pattern)}, expected an object; download the file again`,
    );
  const behavior = wordIn(settings, "behavior", BEHAVIORS, "Isolated");
  const regex = patternOf(pattern);
  return (text) => splitText(text, regex, behavior, invert === true);
};

const charDelimiterSplit: PreTokenizerKind = ({ delimiter }) => {
  const regex = new RegExp(escapeRegExp(String(delimiter)), "gu");
  return (text) => splitText(text, regex, "Removed");
};

/** One pre-tokenizer after another: each cuts the words of the one before. */
const sequence: PreTokenizerKind = ({ pretokenizers }, world) => {
  if (!Array.isArray(pretokenizers))
    throw new FusewireError(
      `'pretokenizers' of tokenizer.json is ${kindOf(pretokenizers)}, expected a list; download the file again`,
    );
  const parts = pretokenizers.map((part: JsonValue) => createPreTokenizer(part, world));
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
export function createPreTokenizer(part: JsonValue, world: PreTokenizerWorld): PreTokenizer {
  const type = isJsonObject(part) ? String(part.type) : kindOf(part);
  const kind = isJsonObject(part) && Object.hasOwn(KINDS, type) ? KINDS[type] : undefined;
  if (kind) {
    const cut = kind(part as JsonObject, world);
    return (text, isStart) => (text === "" ? [] : cut(text, isStart));
  }
  throw new FusewireError(
    `the pre-tokenizer '${type}' of tokenizer.json is not supported; supported are ${Object.keys(KINDS).join(", ")}`,
  );
}
