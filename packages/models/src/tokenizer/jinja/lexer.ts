/**
 * Cuts a template into texts and the tokens of its tags, as jinja2's lexer does with `trim_blocks` and `lstrip_blocks`:
 * a line break after a tag goes, as does white space before a tag that begins a line; `-` takes all white space on its
 * side, `+` keeps it.
 */

import { strip } from "./text.ts";
import { TemplateFailure } from "./values.ts";

export type TokenKind =
  | "data"
  | "begin"
  | "end"
  | "name"
  | "string"
  | "integer"
  | "float"
  | "operator"
  | "eof";

export interface Token {
  readonly kind: TokenKind;
  /** Of `begin` and `end` the tag, `{%` or `{{`; of texts what they hold. */
  readonly text: string;
  readonly line: number;
}

export const syntaxError = (message: string, line: number): TemplateFailure =>
  new TemplateFailure(`TemplateSyntaxError: ${message}, line ${line}`);

const OPERATORS = /\*\*|\/\/|==|!=|>=|<=|[-+*/%~[\](){}<>=.:|,;]/y;
const NUMBER = /(?:\d+_)*\d+(?:(?:\.(?:\d+_)*\d+)?[eE][-+]?(?:\d+_)*\d+|\.(?:\d+_)*\d+)/y;
const INTEGER = /0[bB](?:_?[01])+|0[oO](?:_?[0-7])+|0[xX](?:_?[\da-fA-F])+|[1-9](?:_?\d)*|0(?:_?0)*/y;
const NAME = /[\p{XIDS}_]\p{XIDC}*/uy;
const STRING = /'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"/sy;
const SPACE = /\s+/y;

/** Tokens of a template whose line breaks are `\n`; one line break at its end does not count. */
export function tokenize(whole: string): Token[] {
  const source = whole.endsWith("\n") ? whole.slice(0, -1) : whole;
  const tokens: Token[] = [];
  let at = 0;
  let line = 1;
  /** Whether what was read last ended a line. */
  let beginsLine = true;

  const count = (text: string): void => {
    line += text.split("\n").length - 1;
  };
  const match = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at;
    return pattern.exec(source)?.[0];
  };
  /** Reads what follows a tag's inside, up to what its end takes along. */
  const skip = (text: string): void => {
    count(text);
    at += text.length;
    beginsLine = text.endsWith("\n");
  };

  function pushData(text: string, tag: string | undefined, sign: string): void {
    let shown = text;
    if (sign === "-") shown = strip(text, undefined, "right");
    else if (sign !== "+" && tag !== undefined && tag !== "{{") {
      const start = text.lastIndexOf("\n") + 1;
      if ((start > 0 || beginsLine) && strip(text.slice(start), undefined, "both") === "")
        shown = text.slice(0, start);
    }
    if (shown !== "") tokens.push({ kind: "data", text: shown, line });
    count(text);
  }

  function readComment(): void {
    const end = /[-+]?#\}/g;
    end.lastIndex = at;
    const found = end.exec(source);
    if (!found) throw syntaxError("Missing end of comment tag", line);
    skip(source.slice(at, found.index));
    skip(found[0]);
    skip(afterEnd(found[0], true));
  }

  /** What the end of a tag takes along of what follows it. */
  function afterEnd(end: string, trims: boolean): string {
    if (end.startsWith("-")) return match(SPACE) ?? "";
    return trims && !end.startsWith("+") && source[at] === "\n" ? "\n" : "";
  }

  function readRaw(begin: string): boolean {
    const open = /\s*raw\s*(-?%\})/y;
    open.lastIndex = at;
    const opened = open.exec(source);
    if (begin !== "{%" || !opened) return false;
    skip(opened[0]);
    if (opened[1]!.startsWith("-")) skip(match(SPACE) ?? "");
    const close = /\{%([-+]?)\s*endraw\s*([-+]?%\})/g;
    close.lastIndex = at;
    const closed = close.exec(source);
    if (!closed) throw syntaxError("Missing end of raw directive", line);
    pushData(source.slice(at, closed.index), "{%", closed[1]!);
    at = closed.index;
    skip(closed[0]);
    skip(afterEnd(closed[2]!, true));
    return true;
  }

  function readTag(begin: "{%" | "{{"): void {
    tokens.push({ kind: "begin", text: begin, line });
    const close = begin === "{%" ? /[-+]?%\}/y : /-?\}\}/y;
    const brackets: string[] = [];
    for (;;) {
      const space = match(SPACE);
      if (space) skip(space);
      const end = brackets.length === 0 ? match(close) : undefined;
      if (end !== undefined) {
        tokens.push({ kind: "end", text: begin, line });
        skip(end);
        skip(afterEnd(end, begin === "{%"));
        return;
      }
      const token = readToken();
      if (!token)
        throw at >= source.length
          ? syntaxError(`the tag '${begin}' is not closed`, line)
          : syntaxError(`unexpected char ${JSON.stringify(source[at])}`, line);
      balance(brackets, token);
      tokens.push(token);
    }
  }

  function balance(brackets: string[], { kind, text }: Token): void {
    if (kind !== "operator") return;
    const pairs: Readonly<Record<string, string>> = { "(": ")", "[": "]", "{": "}" };
    if (Object.hasOwn(pairs, text)) brackets.push(pairs[text]!);
    else if (/^[)\]}]$/.test(text) && brackets.pop() !== text)
      throw syntaxError(`unexpected '${text}'`, line);
  }

  function readToken(): Token | undefined {
    const kinds = [
      ["float", NUMBER],
      ["integer", INTEGER],
      ["name", NAME],
      ["string", STRING],
      ["operator", OPERATORS],
    ] as const;
    for (const [kind, pattern] of kinds) {
      const text = match(pattern);
      // An item of an item, such as `a.0.1`, is no float.
      if (text === undefined || (kind === "float" && source[at - 1] === ".")) continue;
      const token: Token = { kind, text: kind === "string" ? readEscapes(text.slice(1, -1)) : text, line };
      skip(text);
      return token;
    }
    return undefined;
  }

  while (at < source.length) {
    const tag = /\{[%{#]/g;
    tag.lastIndex = at;
    const found = tag.exec(source);
    if (!found) {
      pushData(source.slice(at), undefined, "");
      break;
    }
    const begin = found[0] as "{%" | "{{" | "{#";
    const sign = /[-+]/.exec(source[found.index + 2] ?? "")?.[0] ?? "";
    // A variable knows no '+': there it is the sign of a number.
    const own = begin === "{{" && sign === "+" ? "" : sign;
    pushData(source.slice(at, found.index), begin, own);
    at = found.index;
    skip(begin + own);
    if (begin === "{#") readComment();
    else if (!readRaw(begin)) readTag(begin);
  }
  tokens.push({ kind: "eof", text: "", line });
  return tokens;
}

const ESCAPES: Readonly<Record<string, string>> = {
  ...{ a: "\u0007", b: "\b", f: "\f", n: "\n", r: "\r", t: "\t", v: "\v" },
  ...{ "\\": "\\", "'": "'", '"': '"', "\n": "" },
};

/** Escapes as in Python's texts; one that is none stays as it is. */
const readEscapes = (text: string): string =>
  text.replace(
    /\\(?:x([\da-fA-F]{2})|u([\da-fA-F]{4})|U([\da-fA-F]{8})|([0-7]{1,3})|([\s\S]))/g,
    (whole, x?: string, u?: string, long?: string, octal?: string, letter?: string) => {
      const hex = x ?? u ?? long;
      if (hex !== undefined) return String.fromCodePoint(Number.parseInt(hex, 16));
      if (octal !== undefined) return String.fromCodePoint(Number.parseInt(octal, 8));
      return letter !== undefined && Object.hasOwn(ESCAPES, letter) ? ESCAPES[letter]! : whole;
    },
  );
