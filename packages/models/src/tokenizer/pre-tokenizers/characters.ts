/** Pre-tokenizers that cut at kinds of characters. Kinds are those of Rust, in which Hugging Face's library is written. */

import { wordIn } from "../parts.ts";
import type { PreTokenizerKind } from "./pre-tokenizer.ts";
import { BEHAVIORS, splitText } from "./split.ts";

/** A punctuation mark of Unicode, or one of ASCII's symbols. */
const PUNCTUATION = /[\p{P}$+<=>^`|~]/gu;
const SPACE = /\p{White_Space}/gu;
const NUMERAL = /\p{N}/gu;
const WORDS =
  /[\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}]+|[^\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}\p{White_Space}]+/gu;

export const punctuation: PreTokenizerKind = (settings) => {
  const behavior = wordIn(settings, "behavior", "pre-tokenizer", BEHAVIORS, "Isolated");
  return (text) => splitText(text, PUNCTUATION, behavior);
};

export const digits: PreTokenizerKind = ({ individual_digits: individual = false }) => {
  const behavior = individual === true ? "Isolated" : "Contiguous";
  return (text) => splitText(text, NUMERAL, behavior);
};

/** Words of letters, and runs of what is neither letter nor space. */
export const whitespace: PreTokenizerKind = () => (text) => text.match(WORDS) ?? [];

export const whitespaceSplit: PreTokenizerKind = () => (text) => splitText(text, SPACE, "Removed");

export const bert: PreTokenizerKind = () => (text) =>
  splitText(text, SPACE, "Removed").flatMap((word) => splitText(word, PUNCTUATION, "Isolated"));

export const fixedLength: PreTokenizerKind = ({ length = 5 }) => {
  const size = Math.max(1, Number(length));
  return (text) => {
    const points = Array.from(text);
    return Array.from({ length: Math.ceil(points.length / size) }, (_, i) =>
      points.slice(i * size, (i + 1) * size).join(""),
    );
  };
};
