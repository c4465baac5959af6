import type { Budget } from "./budget.ts";
import { formatPercent } from "./format.ts";
import { escapedInside, reprOf, strOf } from "./print.ts";
import {
  codePoints,
  Dict,
  DictView,
  Escaped,
  isList,
  Namespace,
  numeric,
  Once,
  Range,
  TemplateFailure,
  Tuple,
  typeName,
  Undefined,
  type Value,
} from "./values.ts";

export const undefinedError = ({ what }: Undefined): TemplateFailure =>
  new TemplateFailure(`UndefinedError: ${what}`);

/** Whether a value counts as true. */
export function isTrue(value: Value): boolean {
  if (value === null || value instanceof Undefined) return false;
  if (typeof value === "boolean") return value;
  if (typeof value === "bigint") return value !== 0n;
  if (typeof value === "number") return value !== 0;
  if (typeof value === "string") return value !== "";
  if (isList(value)) return value.length > 0;
  if (value instanceof Tuple || value instanceof DictView) return value.items.length > 0;
  if (value instanceof Dict) return value.size > 0;
  if (value instanceof Range) return value.length > 0;
  return value instanceof Escaped ? value.text !== "" : true;
}

/** The items of what can be looped over; undefined for what cannot. A generator gives what is left of it. */
export function itemsOf(value: Value): readonly Value[] | undefined {
  if (typeof value === "string") return codePoints(value);
  if (isList(value)) return value;
  if (value instanceof Tuple || value instanceof DictView) return value.items;
  if (value instanceof Dict) return value.keys();
  if (value instanceof Range) return Array.from({ length: value.length }, (_, i) => value.at(i));
  if (value instanceof Once) return value.takeAll();
  return value instanceof Undefined ? [] : undefined;
}

export function iterate(value: Value): readonly Value[] {
  const items = itemsOf(value);
  if (!items) throw new TemplateFailure(`TypeError: '${typeName(value)}' object is not iterable`);
  return items;
}

/** Python's `len`. */
export function lengthOf(value: Value): number {
  const items = value instanceof Once ? undefined : itemsOf(value);
  if (!items) throw new TemplateFailure(`TypeError: object of type '${typeName(value)}' has no len()`);
  return items.length;
}

export function isEqual(a: Value, b: Value): boolean {
  const [x, y] = [numeric(a), numeric(b)];
  // biome-ignore lint/suspicious/noDoubleEquals: an integer and a float are compared exactly, as in Python.
  if (x !== undefined && y !== undefined) return x == y;
  if (isList(a) && isList(b)) return sameItems(a, b);
  if (a instanceof Tuple && b instanceof Tuple) return sameItems(a.items, b.items);
  if (a instanceof Dict && b instanceof Dict)
    return a.size === b.size && a.entries().every(([key, one]) => b.has(key) && isEqual(one, b.get(key)!));
  if (a instanceof Range && b instanceof Range) return sameItems(iterate(a), iterate(b));
  if (a instanceof Undefined && b instanceof Undefined) return true;
  if (a instanceof Escaped || b instanceof Escaped) throw escapedInside();
  return a === b;
}

const sameItems = (a: readonly Value[], b: readonly Value[]): boolean =>
  a.length === b.length && a.every((one, i) => isEqual(one, b[i]!));

/** Below 0, 0 or above 0, as `a` is smaller, equal or larger; NaN where numbers have no order. */
export function compare(a: Value, b: Value, operator = "<"): number {
  const [x, y] = [numeric(a), numeric(b)];
  if (x !== undefined && y !== undefined)
    // biome-ignore lint/suspicious/noDoubleEquals: an integer and a float are compared exactly, as in Python.
    return x < y ? -1 : x > y ? 1 : x == y ? 0 : Number.NaN;
  if (typeof a === "string" && typeof b === "string") return compareTexts(a, b);
  if (isList(a) && isList(b)) return compareItems(a, b, operator);
  if (a instanceof Tuple && b instanceof Tuple) return compareItems(a.items, b.items, operator);
  for (const one of [a, b]) if (one instanceof Undefined) throw undefinedError(one);
  throw new TemplateFailure(
    `TypeError: '${operator}' not supported between instances of '${typeName(a)}' and '${typeName(b)}'`,
  );
}

/** By code points: JavaScript's own order puts characters beyond U+FFFF before some below. */
function compareTexts(a: string, b: string): number {
  const [x, y] = [codePoints(a), codePoints(b)];
  for (const [i, character] of x.entries()) {
    const other = y[i];
    if (other === undefined) return 1;
    if (character !== other) return character.codePointAt(0)! - other.codePointAt(0)!;
  }
  return x.length - y.length;
}

function compareItems(a: readonly Value[], b: readonly Value[], operator: string): number {
  for (const [i, one] of a.entries()) {
    const other = b[i];
    if (other === undefined) return 1;
    if (!isEqual(one, other)) return compare(one, other, operator);
  }
  return a.length - b.length;
}

/** `item in container`. */
export function contains(container: Value, item: Value): boolean {
  if (typeof container === "string") {
    if (typeof item === "string") return container.includes(item);
    throw new TemplateFailure(
      `TypeError: 'in <string>' requires string as left operand, not ${typeName(item)}`,
    );
  }
  if (container instanceof Dict) return container.has(item);
  const items = itemsOf(container);
  if (!items)
    throw new TemplateFailure(`TypeError: argument of type '${typeName(container)}' is not iterable`);
  return items.some((one) => isEqual(one, item));
}

export type BinaryOperator = "+" | "-" | "*" | "/" | "//" | "%" | "**";

export function binary(operator: BinaryOperator, a: Value, b: Value, budget: Budget): Value {
  for (const one of [a, b]) {
    if (one instanceof Undefined) throw undefinedError(one);
    if (one instanceof Escaped) throw escapedInside();
  }
  const [x, y] = [numeric(a), numeric(b)];
  if (x !== undefined && y !== undefined) return arithmetic(operator, x, y, budget);
  if (operator === "%" && typeof a === "string") return formatPercent(a, b, budget);
  if (operator === "+") {
    if (typeof a === "string" && typeof b === "string") return made(a + b, budget);
    if (isList(a) && isList(b)) return made([...a, ...b], budget);
    if (a instanceof Tuple && b instanceof Tuple) return new Tuple(made([...a.items, ...b.items], budget));
  }
  if (operator === "*") {
    if (typeof y === "bigint") return repeated(a, y, budget) ?? fail(operator, a, b);
    if (typeof x === "bigint") return repeated(b, x, budget) ?? fail(operator, a, b);
  }
  return fail(operator, a, b);
}

function made<T extends { readonly length: number }>(value: T, budget: Budget): T {
  budget.make(value.length);
  return value;
}

function fail(operator: string, a: Value, b: Value): never {
  if (operator === "+" && typeof a === "string")
    throw new TemplateFailure(`TypeError: can only concatenate str (not "${typeName(b)}") to str`);
  throw new TemplateFailure(
    `TypeError: unsupported operand type(s) for ${operator}: '${typeName(a)}' and '${typeName(b)}'`,
  );
}

function repeated(value: Value, times: bigint, budget: Budget): Value | undefined {
  const count = times < 0n ? 0 : Number(times);
  if (typeof value === "string") {
    budget.make(value.length * count);
    return value.repeat(count);
  }
  const items = isList(value) ? value : value instanceof Tuple ? value.items : undefined;
  if (!items) return undefined;
  budget.make(items.length * count);
  const all = Array.from({ length: count }, () => items).flat();
  return isList(value) ? all : new Tuple(all);
}

function arithmetic(
  operator: BinaryOperator,
  x: bigint | number,
  y: bigint | number,
  budget: Budget,
): bigint | number {
  if (typeof x === "bigint" && typeof y === "bigint" && operator !== "/" && !(operator === "**" && y < 0n))
    return integers(operator, x, y, budget);
  const [a, b] = [Number(x), Number(y)];
  if (b === 0 && (operator === "/" || operator === "//" || operator === "%"))
    throw new TemplateFailure("ZeroDivisionError: division by zero");
  switch (operator) {
    case "+":
      return a + b;
    case "-":
      return a - b;
    case "*":
      return a * b;
    case "/":
      return a / b;
    case "//":
      return Math.floor(a / b);
    case "%":
      return floatRemainder(a, b);
    case "**":
      return a ** b;
  }
}

/** The sign of a remainder is that of the divisor. */
function floatRemainder(a: number, b: number): number {
  const rest = a % b;
  return rest !== 0 && rest < 0 !== b < 0 ? rest + b : rest;
}

function integers(operator: Exclude<BinaryOperator, "/">, x: bigint, y: bigint, budget: Budget): bigint {
  switch (operator) {
    case "+":
      return x + y;
    case "-":
      return x - y;
    case "*":
      return x * y;
    case "**":
      // As many digits as the result would have.
      budget.make(x.toString().length * Number(y));
      return x ** y;
    case "//":
    case "%": {
      if (y === 0n) throw new TemplateFailure("ZeroDivisionError: integer division or modulo by zero");
      const rest = x % y;
      const shift = rest !== 0n && rest < 0n !== y < 0n;
      if (operator === "%") return shift ? rest + y : rest;
      return shift ? x / y - 1n : x / y;
    }
  }
}

/** `a ~ b`: both as text. */
export function concat(parts: readonly Value[], budget: Budget): string {
  if (parts.some((part) => part instanceof Escaped)) throw escapedInside();
  return made(parts.map(strOf).join(""), budget);
}

export function negate(value: Value, operator: "-" | "+"): Value {
  const number = numeric(value);
  if (value instanceof Undefined) throw undefinedError(value);
  if (number === undefined)
    throw new TemplateFailure(`TypeError: bad operand type for unary ${operator}: '${typeName(value)}'`);
  return operator === "-" ? -number : number;
}

/** The index in a sequence of this length, counted from its end where negative; undefined outside. */
export function indexIn(length: number, index: bigint): number | undefined {
  const at = index < 0n ? Number(index) + length : Number(index);
  return at >= 0 && at < length ? at : undefined;
}

/** `[start:stop:step]` in a sequence of this length, as Python's `slice.indices` gives it. */
export function sliceBounds(
  length: number,
  [start, stop, step]: readonly [Value, Value, Value],
): readonly [from: number, to: number, stride: number] {
  const stride = step === null ? 1 : Number(sliceBound(step));
  if (stride === 0) throw new TemplateFailure("ValueError: slice step cannot be zero");
  const [low, high] = stride > 0 ? [0, length] : [-1, length - 1];
  const place = (bound: Value, otherwise: number): number => {
    if (bound === null) return otherwise;
    const at = Number(sliceBound(bound));
    return Math.min(high, Math.max(low, at < 0 ? at + length : at));
  };
  return [place(start, stride > 0 ? low : high), place(stop, stride > 0 ? high : low), stride];
}

/** The indices that a slice takes. */
export function sliceIndices(length: number, bounds: readonly [Value, Value, Value]): readonly number[] {
  const [from, to, stride] = sliceBounds(length, bounds);
  const count = Math.max(0, Math.ceil((to - from) / stride));
  return Array.from({ length: count }, (_, i) => from + i * stride);
}

function sliceBound(bound: Value): bigint {
  const number = numeric(bound);
  if (typeof number === "bigint") return number;
  throw new TemplateFailure("TypeError: slice indices must be integers or None or have an __index__ method");
}

/** What an error says of a missing item. */
export const missingItem = (value: Value, key: Value): Undefined =>
  value instanceof Undefined || value instanceof Namespace
    ? new Undefined(`'${strOf(key)}' is undefined`)
    : new Undefined(
        typeof key === "string"
          ? `'${typeName(value)} object' has no attribute '${key}'`
          : `${typeName(value)} object has no element ${reprOf(key)}`,
      );
