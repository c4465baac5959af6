import { BYTE_LETTERS } from "../byte-letters.ts";
import type { PreTokenizerKind } from "./pre-tokenizer.ts";

/** GPT-2's words: contractions, letters, numbers and others with the space before them, and white space. */
const WORDS =
  /'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\p{White_Space}\p{L}\p{N}]+|\p{White_Space}+(?!\P{White_Space})|\p{White_Space}+/gu;

const utf8 = new TextEncoder();

/** Writes each byte of a text as one letter, as GPT-2 does. */
export const byteLevel: PreTokenizerKind = (settings) => {
  const { add_prefix_space: prefix = true, use_regex: cuts = true } = settings;
  return (given) => {
    const text = prefix === true && !given.startsWith(" ") ? ` ${given}` : given;
    const words = cuts === true ? (text.match(WORDS) ?? []) : [text];
    return words.map((word) => Array.from(utf8.encode(word), (byte) => BYTE_LETTERS[byte]!).join(""));
  };
};
