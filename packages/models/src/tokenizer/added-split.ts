import type { AddedToken } from "./vocab.ts";
import { trimEnd, trimStart } from "./white-space.ts";

/** A run of text between added tokens, or one added token with the white space that it takes along. */
export interface Section {
  readonly start: number;
  readonly end: number;
  readonly token: AddedToken | undefined;
}

/** Cuts texts at added tokens: the leftmost first, then the longest, as Hugging Face does. */
export type AddedSplit = (text: string, finds: (token: AddedToken) => boolean) => readonly Section[];

/** `contentOf` gives a token as it stands in the texts. */
export function createAddedSplit(
  tokens: readonly AddedToken[],
  contentOf: (token: AddedToken) => string,
): AddedSplit {
  const byContent = new Map(tokens.map((token) => [contentOf(token), token]));
  byContent.delete("");
  // Of alternatives a regular expression takes the first that fits.
  const longestFirst = [...byContent.keys()].sort((a, b) => b.length - a.length);
  const pattern = new RegExp(longestFirst.map(escapeRegExp).join("|"), "g");

  return (text, finds) => {
    const sections: Section[] = [];
    let done = 0;
    const push = (end: number, token: AddedToken | undefined): void => {
      if (end > done) sections.push({ start: done, end, token });
      done = end;
    };
    for (const match of byContent.size === 0 ? [] : text.matchAll(pattern)) {
      const token = byContent.get(match[0]);
      let [start, end] = [match.index, match.index + match[0].length];
      if (!token || !finds(token) || start < done) continue;
      if (token.single_word && (endsInWord(text.slice(0, start)) || startsInWord(text.slice(end)))) continue;
      if (token.lstrip) start = Math.max(done, trimEnd(text.slice(0, start)).length);
      if (token.rstrip) end = text.length - trimStart(text.slice(end)).length;
      push(start, undefined);
      push(end, token);
    }
    push(text.length, undefined);
    return sections;
  };
}

const WORD = String.raw`[\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}]`;
const startsInWord = (text: string): boolean => new RegExp(`^${WORD}`, "u").test(text);
const endsInWord = (text: string): boolean => new RegExp(`${WORD}$`, "u").test(text.slice(-2));

export const escapeRegExp = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
