/** Statements of a template, from its tokens. */

import { parseExpression, parseFilter, parseTuple } from "./expressions.ts";
import { syntaxError, tokenize } from "./lexer.ts";
import type { Expression, Parameter, Statement, Target } from "./nodes.ts";
import { createStream, type TokenStream } from "./stream.ts";
import { TemplateFailure } from "./values.ts";

/** Tags of jinja2 that read other templates, which chat templates have none of. */
const REFUSED = ["extends", "include", "import", "from", "autoescape"];

export function parseTemplate(source: string): readonly Statement[] {
  const stream = createStream(tokenize(source));
  const body = parseBody(stream, []);
  stream.expect("eof");
  return body;
}

/** Statements up to one of these tags, whose `{%` is taken; or to the end of the template where there are none. */
function parseBody(stream: TokenStream, ends: readonly string[]): Statement[] {
  const body: Statement[] = [];
  for (;;) {
    const { kind, text, line } = stream.current;
    if (kind === "eof") {
      if (ends.length === 0) return body;
      throw syntaxError(`the template ends where '${ends.join("' or '")}' should stand`, line);
    }
    stream.next();
    if (kind === "data") body.push({ kind, text });
    else if (text === "{{") {
      body.push({ kind: "print", value: parseTuple(stream), line });
      stream.expect("end");
    } else {
      if (ends.some((end) => stream.is("name", end))) return body;
      body.push(...parseStatement(stream));
    }
  }
}

/** The body of a statement whose tag is yet to be closed, and its end tag. */
function bodyUntil(stream: TokenStream, end: string): Statement[] {
  stream.expect("end");
  const body = parseBody(stream, [end]);
  stream.next();
  return body;
}

function parseStatement(stream: TokenStream): Statement[] {
  const { text: tag, line } = stream.expect("name");
  const statement = statementOf(tag, line, stream);
  stream.expect("end");
  return [statement];
}

function statementOf(tag: string, line: number, stream: TokenStream): Statement {
  switch (tag) {
    case "if":
      return parseIf(stream, line);
    case "for":
      return parseFor(stream, line);
    case "set":
      return parseSet(stream, line);
    case "macro": {
      const name = stream.expect("name").text;
      const parameters = parseParameters(stream);
      return { kind: "macro", name, parameters, body: bodyUntil(stream, "endmacro"), line };
    }
    case "call": {
      const parameters = stream.is("operator", "(") ? parseParameters(stream) : [];
      const call = parseExpression(stream);
      if (call.kind !== "call") throw syntaxError("expected call", line);
      return { kind: "call", call, parameters, body: bodyUntil(stream, "endcall"), line };
    }
    case "filter": {
      const filter = parseFilterList(stream);
      return { kind: "filter", filter, body: bodyUntil(stream, "endfilter"), line };
    }
    case "with":
      return parseWith(stream, line);
    case "generation":
      return { kind: "generation", body: bodyUntil(stream, "endgeneration"), line };
    case "block": {
      const name = stream.expect("name").text;
      for (const word of ["scoped", "required"]) stream.take("name", word);
      const body = bodyUntil(stream, "endblock");
      stream.take("name", name);
      return { kind: "block", body, line };
    }
    case "print":
      return { kind: "print", value: parseTuple(stream), line };
    case "break":
    case "continue":
      return { kind: tag, line };
    default:
      if (REFUSED.includes(tag))
        throw new TemplateFailure(`'{% ${tag} %}' in line ${line} is not built: a chat template is one text`);
      throw syntaxError(`Encountered unknown tag '${tag}'`, line);
  }
}

function parseIf(stream: TokenStream, line: number): Statement {
  const branches: [Expression, Statement[]][] = [];
  let otherwise: Statement[] = [];
  for (let tag = "if"; tag !== "endif"; tag = stream.next().text) {
    if (tag === "else") {
      otherwise = elseBody(stream, "endif");
      break;
    }
    const condition = parseTuple(stream, false);
    stream.expect("end");
    branches.push([condition, parseBody(stream, ["elif", "else", "endif"])]);
  }
  return { kind: "if", branches, otherwise, line };
}

/** The body behind `else`, and the end tag. */
function elseBody(stream: TokenStream, end: string): Statement[] {
  stream.expect("end");
  const body = parseBody(stream, [end]);
  stream.next();
  return body;
}

function parseFor(stream: TokenStream, line: number): Statement {
  const target = parseTarget(stream);
  stream.expect("name", "in");
  const items = parseTuple(stream, false);
  const condition = stream.take("name", "if") ? parseExpression(stream) : undefined;
  const recursive = stream.take("name", "recursive") !== undefined;
  stream.expect("end");
  const body = parseBody(stream, ["else", "endfor"]);
  const otherwise = stream.next().text === "else" ? elseBody(stream, "endfor") : [];
  return { kind: "for", target, items, condition, recursive, body, otherwise, line };
}

function parseSet(stream: TokenStream, line: number): Statement {
  const target = parseTarget(stream, true);
  if (stream.take("operator", "=")) return { kind: "set", target, value: parseTuple(stream), line };
  const filter = stream.is("operator", "|") ? parseFilterList(stream) : undefined;
  return { kind: "set-block", target, filter, body: bodyUntil(stream, "endset"), line };
}

function parseWith(stream: TokenStream, line: number): Statement {
  const variables: [Target, Expression][] = [];
  while (!stream.is("end")) {
    if (variables.length > 0) stream.expect("operator", ",");
    const target = parseSingleTarget(stream, false);
    stream.expect("operator", "=");
    variables.push([target, parseExpression(stream)]);
  }
  return { kind: "with", variables, body: bodyUntil(stream, "endwith"), line };
}

/** `upper | trim`, applied to the text of a block. */
function parseFilterList(stream: TokenStream): Expression {
  let filter = parseFilter(stream, undefined);
  while (stream.is("operator", "|")) filter = parseFilter(stream, filter);
  return filter;
}

function parseParameters(stream: TokenStream): Parameter[] {
  const parameters: Parameter[] = [];
  stream.expect("operator", "(");
  while (!stream.take("operator", ")")) {
    if (parameters.length > 0) stream.expect("operator", ",");
    if (stream.take("operator", ")")) break;
    const { text: name, line } = stream.expect("name");
    const otherwise = stream.take("operator", "=") ? parseExpression(stream) : undefined;
    if (!otherwise && parameters.at(-1)?.otherwise)
      throw syntaxError("non-default argument follows default argument", line);
    parameters.push({ name, otherwise });
  }
  return parameters;
}

function parseTarget(stream: TokenStream, attributes = false): Target {
  const first = parseSingleTarget(stream, attributes);
  if (!stream.is("operator", ",")) return first;
  const items = [first];
  while (stream.take("operator", ",")) {
    if (stream.is("name", "in") || stream.is("operator", "=")) break;
    items.push(parseSingleTarget(stream, attributes));
  }
  return { kind: "tuple", items };
}

function parseSingleTarget(stream: TokenStream, attributes: boolean): Target {
  if (stream.take("operator", "(")) {
    const inner = parseTarget(stream, attributes);
    stream.expect("operator", ")");
    return inner;
  }
  const { text: name, line } = stream.expect("name");
  if (["true", "false", "none", "True", "False", "None"].includes(name))
    throw syntaxError(`can't assign to '${name}'`, line);
  if (attributes && stream.take("operator", "."))
    return { kind: "attribute", of: name, name: stream.expect("name").text };
  return { kind: "name", name };
}
