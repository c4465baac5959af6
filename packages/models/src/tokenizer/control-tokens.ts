import { FusewireError } from "@fusewire/ir";
import { kindOf } from "../files/index.ts";
import { escapeRegExp } from "./added-split.ts";
import type { AddedToken } from "./vocab.ts";

/** Single characters that occur nowhere in the input of a call, so that they can be told from it in the output. */
export interface Marks {
  readonly textStart: string;
  readonly textEnd: string;
  readonly generationStart: string;
  readonly generationEnd: string;
  readonly tail: string;
}

/** Characters for private use that the input (its JSON) holds neither as they are nor escaped. */
export function chooseMarks(input: string): Marks {
  const marks: string[] = [];
  for (let code = 0xe000; marks.length < 5; code++) {
    if (code > 0xf8ff)
      throw new FusewireError(
        "the chat holds every character for private use (U+E000 to U+F8FF); leave some out",
      );
    const mark = String.fromCharCode(code);
    if (!input.includes(mark) && !input.includes(escapeOf(mark))) marks.push(mark);
  }
  const [textStart = "", textEnd = "", generationStart = "", generationEnd = "", tail = ""] = marks;
  return { textStart, textEnd, generationStart, generationEnd, tail };
}

/** How `tojson(ensure_ascii=true)` writes a mark. */
export const escapeOf = (mark: string): string => `\\u${mark.charCodeAt(0).toString(16)}`;

/** Tokens that stay text in what the user gives, and how they are found there. */
export interface ControlTokens {
  readonly contents: ReadonlySet<string>;
  readonly pattern: RegExp;
}

export function controlTokens(tokens: readonly AddedToken[]): ControlTokens {
  const contents = tokens.map((token) => token.content).sort((a, b) => b.length - a.length);
  return {
    contents: new Set(contents),
    pattern: contents.length === 0 ? /(?!)/g : new RegExp(contents.map(escapeRegExp).join("|"), "g"),
  };
}

/** Puts marks around control tokens, and one after a text that the next text may make a control token of. */
export function markText(text: string, tokens: ControlTokens, marks: Marks): string {
  const marked = text.replace(tokens.pattern, (token) => marks.textStart + token + marks.textEnd);
  const mayGoOn = [...tokens.contents].some((token) => {
    for (let length = token.length - 1; length > 0; length--)
      if (text.endsWith(token.slice(0, length))) return true;
    return false;
  });
  return mayGoOn ? marked + marks.textEnd : marked;
}

/** A copy of plain data, with every text in it changed by `change`; keys stay. Templates get nothing else to see. */
export function copyPlain(value: unknown, where: string, change: (text: string) => string): unknown {
  if (typeof value === "string") return change(value);
  if (value === null || typeof value === "boolean" || Number.isFinite(value)) return value;
  if (Array.isArray(value)) return value.map((one, i) => copyPlain(one, `${where}[${i}]`, change));
  if (typeof value === "object" && [Object.prototype, null].includes(Object.getPrototypeOf(value)))
    return Object.fromEntries(
      Object.entries(value)
        .filter(([, one]) => one !== undefined)
        .map(([key, one]) => [key, copyPlain(one, `${where}.${key}`, change)]),
    );
  throw new FusewireError(
    `${where} is ${typeof value === "function" ? "a function" : kindOf(value)}; chat templates take plain data: texts, numbers, true or false, null, lists and objects`,
  );
}
