import { syntaxError, type Token, type TokenKind } from "./lexer.ts";

/** The tokens of a template, read one by one. */
export interface TokenStream {
  readonly current: Token;
  readonly ahead: Token;
  next(): Token;
  /** Whether the current token is this operator, or this name. */
  is(kind: TokenKind, text?: string): boolean;
  /** Takes the current token where it is that. */
  take(kind: TokenKind, text?: string): Token | undefined;
  expect(kind: TokenKind, text?: string): Token;
}

export function createStream(tokens: readonly Token[]): TokenStream {
  let at = 0;
  const end = tokens.at(-1)!;
  const peek = (by: number): Token => tokens[at + by] ?? end;
  const is = (kind: TokenKind, text?: string): boolean =>
    peek(0).kind === kind && (text === undefined || peek(0).text === text);
  const next = (): Token => {
    const token = peek(0);
    at++;
    return token;
  };
  return {
    get current() {
      return peek(0);
    },
    get ahead() {
      return peek(1);
    },
    next,
    is,
    take: (kind, text) => (is(kind, text) ? next() : undefined),
    expect(kind, text) {
      if (is(kind, text)) return next();
      throw syntaxError(
        `expected ${describe(kind, text)}, got ${describe(peek(0).kind, peek(0).text)}`,
        peek(0).line,
      );
    },
  };
}

function describe(kind: TokenKind, text: string | undefined): string {
  if (kind === "end") return "the end of the tag";
  if (kind === "eof") return "the end of the template";
  return text === undefined ? `a ${kind}` : `'${text}'`;
}
