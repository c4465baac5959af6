/** Expressions, with the precedence of jinja2's parser. */

import { syntaxError } from "./lexer.ts";
import type { CallArguments, CompareOperator, Expression } from "./nodes.ts";
import type { TokenStream } from "./stream.ts";

/** A tuple where commas stand, and otherwise an expression; with `choices` also `a if b else c`. */
export function parseTuple(stream: TokenStream, choices = true): Expression {
  const one = () => (choices ? parseExpression(stream) : parseOr(stream));
  const first = one();
  if (!stream.is("operator", ",")) return first;
  const items = [first];
  while (stream.take("operator", ",")) {
    if (endsTuple(stream)) break;
    items.push(one());
  }
  return { kind: "tuple", items };
}

const endsTuple = (stream: TokenStream): boolean =>
  stream.is("end") || stream.is("operator", ")") || stream.is("name", "in") || stream.is("name", "recursive");

/** `a if b else c` and all that binds closer. */
export function parseExpression(stream: TokenStream): Expression {
  let value = parseOr(stream);
  while (stream.take("name", "if")) {
    const condition = parseOr(stream);
    const otherwise = stream.take("name", "else") ? parseExpression(stream) : undefined;
    value = { kind: "choice", condition, value, otherwise };
  }
  return value;
}

function parseOr(stream: TokenStream): Expression {
  let left = parseAnd(stream);
  while (stream.take("name", "or")) left = { kind: "or", left, right: parseAnd(stream) };
  return left;
}

function parseAnd(stream: TokenStream): Expression {
  let left = parseNot(stream);
  while (stream.take("name", "and")) left = { kind: "and", left, right: parseNot(stream) };
  return left;
}

const parseNot = (stream: TokenStream): Expression =>
  stream.take("name", "not") ? { kind: "not", of: parseNot(stream) } : parseCompare(stream);

function compareOperator(stream: TokenStream): CompareOperator | undefined {
  for (const operator of ["==", "!=", "<", "<=", ">", ">="] as const)
    if (stream.take("operator", operator)) return operator;
  if (stream.take("name", "in")) return "in";
  if (!stream.is("name", "not") || stream.ahead.kind !== "name" || stream.ahead.text !== "in")
    return undefined;
  stream.next();
  stream.next();
  return "not in";
}

function parseCompare(stream: TokenStream): Expression {
  const first = parseSum(stream);
  const rest: (readonly [CompareOperator, Expression])[] = [];
  for (let operator = compareOperator(stream); operator; operator = compareOperator(stream))
    rest.push([operator, parseSum(stream)]);
  return rest.length === 0 ? first : { kind: "compare", first, rest };
}

/** Left-associative operators of one precedence. */
const operatorsOver =
  (
    operators: readonly ("+" | "-" | "*" | "/" | "//" | "%" | "**")[],
    inner: (stream: TokenStream) => Expression,
  ) =>
  (stream: TokenStream): Expression => {
    let left = inner(stream);
    for (;;) {
      const operator = operators.find((one) => stream.take("operator", one));
      if (!operator) return left;
      left = { kind: "binary", operator, left, right: inner(stream) };
    }
  };

const parsePower = operatorsOver(["**"], (stream) => parseUnary(stream));
const parseProduct = operatorsOver(["*", "//", "/", "%"], parsePower);

function parseConcat(stream: TokenStream): Expression {
  const parts = [parseProduct(stream)];
  while (stream.take("operator", "~")) parts.push(parseProduct(stream));
  return parts.length === 1 ? parts[0]! : { kind: "concat", parts };
}

const parseSum = operatorsOver(["+", "-"], parseConcat);

function parseUnary(stream: TokenStream, withFilters = true): Expression {
  const operator = (["-", "+"] as const).find((one) => stream.take("operator", one));
  const value: Expression = operator
    ? { kind: "unary", operator, of: parseUnary(stream, false) }
    : parsePrimary(stream);
  const whole = parsePostfix(stream, value);
  return withFilters ? parseFilters(stream, whole) : whole;
}

const CONSTANTS: Readonly<Record<string, boolean | null>> = {
  ...{ true: true, True: true, false: false, False: false, none: null, None: null },
};

function parsePrimary(stream: TokenStream): Expression {
  const token = stream.next();
  switch (token.kind) {
    case "name":
      return Object.hasOwn(CONSTANTS, token.text)
        ? { kind: "constant", value: CONSTANTS[token.text]! }
        : { kind: "name", name: token.text, line: token.line };
    case "string": {
      let text = token.text;
      // Texts side by side are one, as in Python.
      for (let more = stream.take("string"); more; more = stream.take("string")) text += more.text;
      return { kind: "constant", value: text };
    }
    case "integer":
      return { kind: "constant", value: BigInt(token.text.replaceAll("_", "")) };
    case "float":
      return { kind: "constant", value: Number(token.text.replaceAll("_", "")) };
    case "operator":
      if (token.text === "(") return parseParentheses(stream);
      if (token.text === "[") return { kind: "list", items: parseItems(stream, "]") };
      if (token.text === "{") return parseDict(stream);
      break;
    default:
  }
  throw syntaxError(
    token.kind === "end" ? "an expression is missing" : `unexpected '${token.text}'`,
    token.line,
  );
}

function parseParentheses(stream: TokenStream): Expression {
  if (stream.take("operator", ")")) return { kind: "tuple", items: [] };
  const inner = parseTuple(stream);
  stream.expect("operator", ")");
  return inner;
}

function parseItems(stream: TokenStream, close: string): Expression[] {
  const items: Expression[] = [];
  while (!stream.take("operator", close)) {
    if (items.length > 0) {
      stream.expect("operator", ",");
      if (stream.take("operator", close)) break;
    }
    items.push(parseExpression(stream));
  }
  return items;
}

function parseDict(stream: TokenStream): Expression {
  const entries: [Expression, Expression][] = [];
  while (!stream.take("operator", "}")) {
    if (entries.length > 0) {
      stream.expect("operator", ",");
      if (stream.take("operator", "}")) break;
    }
    const key = parseExpression(stream);
    stream.expect("operator", ":");
    entries.push([key, parseExpression(stream)]);
  }
  return { kind: "dict", entries };
}

function parsePostfix(stream: TokenStream, start: Expression): Expression {
  let value = start;
  for (;;) {
    if (stream.take("operator", ".")) value = parseDot(stream, value);
    else if (stream.take("operator", "[")) value = { kind: "item", of: value, key: parseKey(stream) };
    else if (stream.is("operator", "(")) value = { kind: "call", of: value, given: parseArguments(stream) };
    else return value;
  }
}

function parseDot(stream: TokenStream, of: Expression): Expression {
  const index = stream.take("integer");
  if (index) return { kind: "item", of, key: { kind: "constant", value: BigInt(index.text) } };
  return { kind: "attribute", of, name: stream.expect("name").text };
}

function parseKey(stream: TokenStream): Expression {
  const keys = [parseSubscript(stream)];
  while (stream.take("operator", ",")) keys.push(parseSubscript(stream));
  stream.expect("operator", "]");
  return keys.length === 1 ? keys[0]! : { kind: "tuple", items: keys };
}

function parseSubscript(stream: TokenStream): Expression {
  const none: Expression = { kind: "constant", value: null };
  const bound = (): Expression =>
    [":", "]", ","].some((end) => stream.is("operator", end)) ? none : parseExpression(stream);
  const start = bound();
  if (!stream.take("operator", ":")) return start;
  const stop = bound();
  return { kind: "slice", bounds: [start, stop, stream.take("operator", ":") ? bound() : none] };
}

function parseFilters(stream: TokenStream, start: Expression): Expression {
  let value = start;
  for (;;) {
    if (stream.is("operator", "|")) value = parseFilter(stream, value);
    else if (stream.is("name", "is")) value = parseTest(stream, value);
    // What a filter gives can be called.
    else if (stream.is("operator", "(")) value = { kind: "call", of: value, given: parseArguments(stream) };
    else return value;
  }
}

/** One filter behind `|`, or one that begins a list of filters for a block. */
export function parseFilter(stream: TokenStream, of: Expression | undefined): Expression {
  stream.take("operator", "|");
  const { text, line } = stream.expect("name");
  let name = text;
  while (stream.take("operator", ".")) name += `.${stream.expect("name").text}`;
  const given = stream.is("operator", "(") ? parseArguments(stream) : NO_ARGUMENTS;
  return { kind: "filter", of, name, given, line };
}

function parseTest(stream: TokenStream, of: Expression): Expression {
  const { line } = stream.expect("name", "is");
  const negated = stream.take("name", "not") !== undefined;
  const name = stream.expect("name").text;
  const test: Expression = { kind: "test", of, name, given: parseTestArguments(stream), line };
  return negated ? { kind: "not", of: test } : test;
}

/** A test takes arguments in parentheses, or one without. */
function parseTestArguments(stream: TokenStream): CallArguments {
  const { kind, text, line } = stream.current;
  if (kind === "operator" && text === "(") return parseArguments(stream);
  const begins =
    kind === "name"
      ? !["else", "or", "and"].includes(text)
      : kind === "string" ||
        kind === "integer" ||
        kind === "float" ||
        (kind === "operator" && /^[[{]$/.test(text));
  if (!begins) return NO_ARGUMENTS;
  if (kind === "name" && text === "is") throw syntaxError("You cannot chain multiple tests with is", line);
  return { ...NO_ARGUMENTS, positional: [parsePostfix(stream, parsePrimary(stream))] };
}

const NO_ARGUMENTS: CallArguments = { positional: [], named: [], rest: undefined, namedRest: undefined };

export function parseArguments(stream: TokenStream): CallArguments {
  const positional: Expression[] = [];
  const named: [string, Expression][] = [];
  let rest: Expression | undefined;
  let namedRest: Expression | undefined;
  const { line } = stream.expect("operator", "(");
  let first = true;
  while (!stream.take("operator", ")")) {
    if (!first) {
      stream.expect("operator", ",");
      if (stream.take("operator", ")")) break;
    }
    first = false;
    if (stream.take("operator", "**")) namedRest = parseExpression(stream);
    else if (stream.take("operator", "*")) rest = parseExpression(stream);
    else if (stream.is("name") && stream.ahead.kind === "operator" && stream.ahead.text === "=") {
      const name = stream.next().text;
      stream.next();
      named.push([name, parseExpression(stream)]);
    } else {
      if (named.length > 0 || namedRest)
        throw syntaxError("invalid syntax for function call expression", line);
      positional.push(parseExpression(stream));
    }
  }
  return { positional, named, rest, namedRest };
}
