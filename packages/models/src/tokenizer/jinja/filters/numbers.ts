/** Filters that give numbers. */

import { bind, integerOf } from "../arguments.ts";
import { fixed } from "../format.ts";
import { binary, iterate, negate, undefinedError } from "../operators.ts";
import { escapedInside } from "../print.ts";
import { isSpace, strip } from "../text.ts";
import { Escaped, numeric, TemplateFailure, typeName, Undefined, type Value } from "../values.ts";
import type { Filters } from "./filter.ts";
import { getter } from "./getter.ts";

/** Python's `int(text, base)`: undefined where the text is no integer. */
function parseInteger(text: string, base: number): bigint | undefined {
  const [, sign = "", digits = ""] = /^([-+]?)(.*)$/s.exec(strip(text, undefined, "both"))!;
  const plain = digits.replace(/(?<=\w)_(?=\w)/g, "").toLowerCase();
  const prefix = { 2: "0b", 8: "0o", 16: "0x" }[base];
  const body = prefix && plain.startsWith(prefix) ? plain.slice(2) : plain;
  if (!/^[\da-z]+$/.test(body)) return undefined;
  let value = 0n;
  for (const letter of body) {
    const digit = Number.parseInt(letter, 36);
    if (digit >= base) return undefined;
    value = value * BigInt(base) + BigInt(digit);
  }
  return sign === "-" ? -value : value;
}

/** Python's `float(text)`: undefined where the text is none. */
function parseDecimal(text: string): number | undefined {
  const plain = strip(text, undefined, "both").replace(/(?<=\d)_(?=\d)/g, "");
  if (/^[-+]?(inf|infinity)$/i.test(plain)) return plain.startsWith("-") ? -Infinity : Infinity;
  if (/^[-+]?nan$/i.test(plain)) return Number.NaN;
  return /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(plain) && ![...plain].some(isSpace)
    ? Number(plain)
    : undefined;
}

function toInteger(of: Value, base: number): bigint | undefined {
  if (of instanceof Undefined) throw undefinedError(of);
  if (of instanceof Escaped) throw escapedInside();
  if (typeof of === "string") {
    const float = () => toInteger(parseDecimal(of) ?? Number.NaN, base);
    return parseInteger(of, base) ?? float();
  }
  const number = numeric(of);
  if (typeof number === "number") return Number.isFinite(number) ? BigInt(Math.trunc(number)) : undefined;
  return number;
}

export const NUMBER_FILTERS: Filters = {
  abs(of) {
    const number = numeric(of);
    if (of instanceof Undefined) throw undefinedError(of);
    if (number === undefined)
      throw new TemplateFailure(`TypeError: bad operand type for abs(): '${typeName(of)}'`);
    return number < 0 || Object.is(number, -0) ? negate(number, "-") : number;
  },
  int(of, given) {
    const [fallback = 0n, base = 10n] = bind("int", given, [], ["default", "base"]);
    return toInteger(of, integerOf(base, "int")) ?? fallback;
  },
  float(of, given) {
    const [fallback = 0] = bind("float", given, [], ["default"]);
    if (of instanceof Undefined) throw undefinedError(of);
    if (of instanceof Escaped) throw escapedInside();
    const number = typeof of === "string" ? parseDecimal(of) : numeric(of);
    return number === undefined ? fallback : Number(number);
  },
  round(of, given) {
    const [precision = 0n, method = "common"] = bind("round", given, [], ["precision", "method"]);
    const number = numeric(of);
    if (number === undefined)
      throw new TemplateFailure(`TypeError: type ${typeName(of)} doesn't define __round__ method`);
    const digits = integerOf(precision, "round");
    if (method === "common") return roundHalfEven(number, digits);
    const round = method === "ceil" ? Math.ceil : method === "floor" ? Math.floor : undefined;
    if (!round) throw new TemplateFailure("FilterArgumentError: method must be common, ceil or floor");
    return round(Number(number) * 10 ** digits) / 10 ** digits;
  },
  sum(of, given, { budget }) {
    const [attribute = null, start = 0n] = bind("sum", given, [], ["attribute", "start"]);
    const get = getter(attribute, budget);
    return iterate(of).reduce((total, item) => binary("+", total, get(item), budget), start);
  },
};

/** Python's `round`: an integer stays one, and halves go to the even neighbour. */
function roundHalfEven(number: bigint | number, digits: number): bigint | number {
  if (typeof number === "number") {
    if (digits >= 0) return Number.isFinite(number) ? Number(fixed(number, Math.min(digits, 100))) : number;
    return Number(roundHalfEven(BigInt(Math.trunc(number)), digits));
  }
  if (digits >= 0) return number;
  const unit = 10n ** BigInt(-digits);
  const rest = ((number % unit) + unit) % unit;
  const down = number - rest;
  const up = rest * 2n > unit || (rest * 2n === unit && (down / unit) % 2n !== 0n);
  return up ? down + unit : down;
}
