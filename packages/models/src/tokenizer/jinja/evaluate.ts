import { attributeOf, itemOf, Slice } from "./access.ts";
import type { Budget } from "./budget.ts";
import { FILTERS } from "./filters/index.ts";
import type { CallArguments, CompareOperator, Expression } from "./nodes.ts";
import {
  binary,
  compare,
  concat,
  contains,
  isEqual,
  isTrue,
  iterate,
  negate,
  undefinedError,
} from "./operators.ts";
import type { Scope } from "./scope.ts";
import { TESTS } from "./tests.ts";
import {
  type Arguments,
  Attributes,
  Callable,
  Dict,
  firstGiven,
  TemplateFailure,
  Tuple,
  typeName,
  Undefined,
  type Value,
} from "./values.ts";

/** What an expression is evaluated in. */
export interface Place {
  readonly scope: Scope;
  readonly budget: Budget;
}

/** The value of an expression. `input` is what its filters are applied to, where they stand for themselves. */
export function evaluate(node: Expression, place: Place, input?: Value): Value {
  const { scope, budget } = place;
  budget.step();
  const value = (one: Expression) => evaluate(one, place, input);
  switch (node.kind) {
    case "constant":
      return node.value;
    case "name":
      return firstGiven(scope.get(node.name), new Undefined(`'${node.name}' is undefined`))!;
    case "list":
      return node.items.map(value);
    case "tuple":
      return new Tuple(node.items.map(value));
    case "dict":
      return Dict.of(node.entries.map(([key, one]) => [value(key), value(one)] as const));
    case "attribute":
      return attributeOf(value(node.of), node.name, budget);
    case "item": {
      const of = value(node.of);
      const { key } = node;
      return itemOf(of, key.kind === "slice" ? sliceOf(key.bounds, place) : value(key), budget);
    }
    case "slice":
      throw new TemplateFailure("a slice stands outside of brackets");
    case "call":
      return call(value(node.of), argumentsOf(node.given, place), budget);
    case "filter": {
      const of = node.of ? value(node.of) : input!;
      return applyFilter(node.name, of, argumentsOf(node.given, place), budget);
    }
    case "test":
      return applyTest(node.name, value(node.of), argumentsOf(node.given, place), budget);
    case "not":
      return !isTrue(value(node.of));
    case "unary":
      return negate(value(node.of), node.operator);
    case "binary":
      return binary(node.operator, value(node.left), value(node.right), budget);
    case "and": {
      const left = value(node.left);
      return isTrue(left) ? value(node.right) : left;
    }
    case "or": {
      const left = value(node.left);
      return isTrue(left) ? left : value(node.right);
    }
    case "concat":
      return concat(node.parts.map(value), budget);
    case "compare": {
      let left = value(node.first);
      for (const [operator, one] of node.rest) {
        const right = value(one);
        if (!compares(operator, left, right)) return false;
        left = right;
      }
      return true;
    }
    case "choice":
      if (isTrue(value(node.condition))) return value(node.value);
      return node.otherwise
        ? value(node.otherwise)
        : new Undefined("the inline if-expression evaluated to false and no else section was defined.");
  }
}

function compares(operator: CompareOperator, left: Value, right: Value): boolean {
  switch (operator) {
    case "==":
      return isEqual(left, right);
    case "!=":
      return !isEqual(left, right);
    case "in":
      return contains(right, left);
    case "not in":
      return !contains(right, left);
    case "<":
      return compare(left, right, operator) < 0;
    case "<=":
      return compare(left, right, operator) <= 0;
    case ">":
      return compare(left, right, operator) > 0;
    case ">=":
      return compare(left, right, operator) >= 0;
  }
}

const sliceOf = (bounds: readonly [Expression, Expression, Expression], place: Place): Slice => {
  const [start, stop, step] = bounds;
  return new Slice([evaluate(start, place), evaluate(stop, place), evaluate(step, place)]);
};

export function argumentsOf(given: CallArguments, place: Place): Arguments {
  const positional = given.positional.map((one) => evaluate(one, place));
  const named = new Map(given.named.map(([name, one]) => [name, evaluate(one, place)] as const));
  if (given.rest) positional.push(...iterate(evaluate(given.rest, place)));
  if (given.namedRest) {
    const rest = evaluate(given.namedRest, place);
    if (!(rest instanceof Dict))
      throw new TemplateFailure(`TypeError: argument after ** must be a mapping, not ${typeName(rest)}`);
    for (const [key, one] of rest.entries()) named.set(String(key), one);
  }
  return { positional, named };
}

export function call(callee: Value, given: Arguments, budget: Budget): Value {
  if (callee instanceof Undefined) throw undefinedError(callee);
  const run =
    callee instanceof Callable || callee instanceof Attributes ? callee.call?.bind(callee) : undefined;
  if (!run) throw new TemplateFailure(`TypeError: '${typeName(callee)}' object is not callable`);
  return budget.within(() => run(given));
}

export function applyFilter(name: string, of: Value, given: Arguments, budget: Budget): Value {
  const filter = Object.hasOwn(FILTERS, name) ? FILTERS[name]! : undefined;
  if (!filter) throw new TemplateFailure(`TemplateRuntimeError: No filter named '${name}' found.`);
  if (typeof filter === "string") throw new TemplateFailure(filter);
  return filter(of, given, { budget, applyFilter, applyTest });
}

export function applyTest(name: string, of: Value, given: Arguments, budget: Budget): boolean {
  const test = Object.hasOwn(TESTS, name) ? TESTS[name]! : undefined;
  if (!test) throw new TemplateFailure(`TemplateRuntimeError: No test named '${name}' found.`);
  return test(of, given, budget);
}
