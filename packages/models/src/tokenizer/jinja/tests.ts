import { bind } from "./arguments.ts";
import type { Budget } from "./budget.ts";
import { FILTERS } from "./filters/index.ts";
import { binary, compare, contains, isEqual, itemsOf, undefinedError } from "./operators.ts";
import { strOf } from "./print.ts";
import {
  type Arguments,
  Attributes,
  Callable,
  Dict,
  Escaped,
  isList,
  numeric,
  Range,
  TemplateFailure,
  Tuple,
  typeName,
  Undefined,
  type Value,
} from "./values.ts";

type Test = (of: Value, given: Arguments, budget: Budget) => boolean;

const is =
  (check: (of: Value) => boolean): Test =>
  (of, given) => {
    bind("test", given, []);
    return check(of);
  };

const against =
  (check: (of: Value, other: Value, budget: Budget) => boolean): Test =>
  (of, given, budget) =>
    check(of, bind("test", given, ["other"])[0]!, budget);

const remainder = (of: Value, by: Value, budget: Budget): Value => {
  if (of instanceof Undefined) throw undefinedError(of);
  if (numeric(of) === undefined)
    throw new TemplateFailure(`TypeError: not all arguments converted: '${typeName(of)}' has no remainder`);
  return binary("%", of, by, budget);
};

const CASED = /\p{Cased}/u;
const isCased = (of: Value, change: (text: string) => string): boolean => {
  const text = strOf(of);
  return CASED.test(text) && change(text) === text;
};

const equal = against((of, other) => isEqual(of, other));
const unequal = against((of, other) => !isEqual(of, other));
const less = against((of, other) => compare(of, other, "<") < 0);
const lessOrEqual = against((of, other) => compare(of, other, "<=") <= 0);
const greater = against((of, other) => compare(of, other, ">") > 0);
const greaterOrEqual = against((of, other) => compare(of, other, ">=") >= 0);

/** jinja2's tests. */
export const TESTS: Readonly<Record<string, Test>> = {
  defined: is((of) => !(of instanceof Undefined)),
  undefined: is((of) => of instanceof Undefined),
  none: is((of) => of === null),
  boolean: is((of) => typeof of === "boolean"),
  true: is((of) => of === true),
  false: is((of) => of === false),
  integer: is((of) => typeof of === "bigint"),
  float: is((of) => typeof of === "number"),
  // In Python a boolean is a number as well.
  number: is((of) => numeric(of) !== undefined),
  string: is((of) => typeof of === "string" || of instanceof Escaped),
  mapping: is((of) => of instanceof Dict),
  sequence: is(
    (of) =>
      typeof of === "string" ||
      isList(of) ||
      [Tuple, Dict, Range, Undefined, Escaped].some((type) => of instanceof type),
  ),
  iterable: is((of) => typeof of === "string" || of instanceof Escaped || isIterable(of)),
  callable: is(
    (of) =>
      of instanceof Callable ||
      of instanceof Undefined ||
      (of instanceof Attributes && of.call !== undefined),
  ),
  escaped: is((of) => of instanceof Escaped),
  lower: is((of) => isCased(of, (text) => text.toLowerCase())),
  upper: is((of) => isCased(of, (text) => text.toUpperCase())),
  even: (of, _, budget) => isEqual(remainder(of, 2n, budget), 0n),
  odd: (of, _, budget) => isEqual(remainder(of, 2n, budget), 1n),
  divisibleby: against((of, by, budget) => isEqual(remainder(of, by, budget), 0n)),
  in: against((of, container) => contains(container, of)),
  sameas: against((of, other) => typeof of === typeof other && (of === other || Object.is(of, other))),
  filter: is((of) => typeof of === "string" && Object.hasOwn(FILTERS, of)),
  test: is((of) => typeof of === "string" && Object.hasOwn(TESTS, of)),
  ...{ eq: equal, equalto: equal, "==": equal, ne: unequal, "!=": unequal },
  ...{ lt: less, lessthan: less, "<": less, le: lessOrEqual, "<=": lessOrEqual },
  ...{ gt: greater, greaterthan: greater, ">": greater, ge: greaterOrEqual, ">=": greaterOrEqual },
};

/** Asked without taking the items of a generator. */
const isIterable = (of: Value): boolean =>
  typeName(of) === "generator" || of instanceof Undefined || itemsOf(of) !== undefined;
