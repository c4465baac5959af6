/** Runs the statements of a template. */

import type { Budget } from "./budget.ts";
import { evaluate, type Place } from "./evaluate.ts";
import { createLoop } from "./loop.ts";
import { createMacro } from "./macro.ts";
import type { Statement, Target } from "./nodes.ts";
import { isTrue, iterate } from "./operators.ts";
import { strOf } from "./print.ts";
import { createScope, type Scope } from "./scope.ts";
import {
  type Arguments,
  Escaped,
  Namespace,
  TemplateFailure,
  typeName,
  Undefined,
  type Value,
} from "./values.ts";

/** What a template writes, and what is around it. */
export interface Rendering {
  readonly budget: Budget;
  /** What stands around the text of `{% generation %}` blocks. */
  readonly marks: { readonly start: string; readonly end: string };
}

/** How a body ended early: by `{% break %}` or `{% continue %}`. */
type Jump = "break" | "continue" | undefined;

/** The text of a body in a scope of its own. */
export function textOfBody(body: readonly Statement[], scope: Scope, rendering: Rendering): string {
  const out: string[] = [];
  run(body, scope, out, rendering);
  return out.join("");
}

function run(body: readonly Statement[], scope: Scope, out: string[], rendering: Rendering): Jump {
  for (const statement of body) {
    const jump = runOne(statement, scope, out, rendering);
    if (jump) return jump;
  }
  return undefined;
}

/** A fault tells the line of the innermost statement that it happened in. */
function runOne(statement: Statement, scope: Scope, out: string[], rendering: Rendering): Jump {
  try {
    return runPlain(statement, scope, out, rendering);
  } catch (error) {
    if (error instanceof TemplateFailure && "line" in statement && !/, line \d+$/.test(error.message))
      throw new TemplateFailure(`${error.message}, line ${statement.line}`);
    throw error;
  }
}

function runPlain(statement: Statement, scope: Scope, out: string[], rendering: Rendering): Jump {
  const { budget, marks } = rendering;
  const place: Place = { scope, budget };
  const write = (text: string): void => {
    budget.make(text.length);
    out.push(text);
  };
  const textOf = (body: readonly Statement[], within: Scope): string => textOfBody(body, within, rendering);
  const inner = (body: readonly Statement[]): string => textOf(body, createScope(scope));
  budget.step();
  switch (statement.kind) {
    case "data":
      write(statement.text);
      return undefined;
    case "print":
      write(strOf(evaluate(statement.value, place)));
      return undefined;
    case "if": {
      const taken = statement.branches.find(([condition]) => isTrue(evaluate(condition, place)));
      return run(taken ? taken[1] : statement.otherwise, scope, out, rendering);
    }
    case "for":
      return void runFor(statement, evaluate(statement.items, place), 1, scope, out, rendering);
    case "set":
      assign(statement.target, evaluate(statement.value, place), scope);
      return undefined;
    case "set-block": {
      const text = inner(statement.body);
      assign(statement.target, statement.filter ? evaluate(statement.filter, place, text) : text, scope);
      return undefined;
    }
    case "macro":
      scope.set(statement.name, createMacro(statement, scope, budget, textOf));
      return undefined;
    case "call": {
      const caller = createMacro({ ...statement, name: "caller" }, scope, budget, textOf);
      const { of, given } = statement.call;
      const named = [...given.named, ["caller", { kind: "constant", value: caller }] as const];
      write(strOf(evaluate({ kind: "call", of, given: { ...given, named } }, place)));
      return undefined;
    }
    case "filter":
      write(outputOf(evaluate(statement.filter, place, inner(statement.body))));
      return undefined;
    case "with": {
      const around = createScope(scope);
      // Each value is computed outside, so that none sees another.
      for (const [target, value] of statement.variables) assign(target, evaluate(value, place), around);
      return run(statement.body, around, out, rendering);
    }
    case "generation":
      write(marks.start + inner(statement.body) + marks.end);
      return undefined;
    case "block":
      write(inner(statement.body));
      return undefined;
    case "break":
    case "continue":
      return statement.kind;
  }
}

/** A block's filters must give a text: Python joins it with what stands around it. */
function outputOf(value: Value): string {
  if (typeof value === "string") return value;
  if (value instanceof Escaped) return value.text;
  throw new TemplateFailure(
    `TypeError: a block's filter gives a ${typeName(value)} where a text is expected`,
  );
}

type For = Extract<Statement, { kind: "for" }>;

function runFor(
  statement: For,
  items: Value,
  depth: number,
  scope: Scope,
  out: string[],
  rendering: Rendering,
): void {
  const { budget } = rendering;
  const { target, condition, body, otherwise } = statement;
  const meets = (item: Value): boolean => {
    if (!condition) return true;
    const filtered = createScope(scope, [
      ["loop", new Undefined("'loop' is undefined in the condition of a loop")],
    ]);
    assign(target, item, filtered);
    return isTrue(evaluate(condition, { scope: filtered, budget }));
  };
  const all = iterate(items).filter(meets);
  if (all.length === 0) {
    run(otherwise, createScope(scope), out, rendering);
    return;
  }
  const recurse = ({ positional }: Arguments): Value => {
    const nested: string[] = [];
    runFor(statement, positional[0]!, depth + 1, scope, nested, rendering);
    return nested.join("");
  };
  const loop = createLoop(all, depth, statement.recursive ? recurse : undefined);
  for (const [index, item] of all.entries()) {
    budget.step();
    const each = createScope(scope);
    each.set("loop", loop.at(index));
    assign(target, item, each);
    if (run(body, each, out, rendering) === "break") return;
  }
}

function assign(target: Target, value: Value, scope: Scope): void {
  switch (target.kind) {
    case "name":
      scope.set(target.name, value);
      return;
    case "attribute": {
      const space = scope.get(target.of);
      if (!(space instanceof Namespace))
        throw new TemplateFailure("TemplateRuntimeError: cannot assign attribute on non-namespace object");
      if (target.name.startsWith("_"))
        throw new TemplateFailure(
          `SecurityError: Chat templates cannot store underscore-prefixed attributes on a namespace, but got '${target.name}'. Please rename the attribute.`,
        );
      space.attributes.set(target.name, value);
      return;
    }
    case "tuple": {
      const items = iterate(value);
      if (items.length !== target.items.length)
        throw new TemplateFailure(
          `ValueError: ${items.length < target.items.length ? "not enough" : "too many"} values to unpack (expected ${target.items.length})`,
        );
      for (const [i, one] of target.items.entries()) assign(one, items[i]!, scope);
    }
  }
}
