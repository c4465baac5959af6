/** `str.format` and the operator `%` on texts. */

import type { Budget } from "./budget.ts";
import { floatOf, reprOf, strOf } from "./print.ts";
import {
  type Arguments,
  codePoints,
  Dict,
  numeric,
  TemplateFailure,
  Tuple,
  typeName,
  type Value,
} from "./values.ts";

/** `text.format(…)`: fields in braces. */
export function formatBraces(text: string, given: Arguments, budget: Budget): string {
  let next = 0;
  const fieldOf = (name: string): Value => {
    if (/[.[]/.test(name))
      throw new TemplateFailure(
        `the field '{${name}}' of str.format is not built; only names and numbers are`,
      );
    const index = name === "" ? next++ : /^\d+$/.test(name) ? Number(name) : undefined;
    const value = index === undefined ? given.named.get(name) : given.positional[index];
    if (value !== undefined) return value;
    throw new TemplateFailure(
      index === undefined
        ? `KeyError: '${name}'`
        : `IndexError: Replacement index ${index} out of range for positional args tuple`,
    );
  };
  const expand = (part: string): string =>
    part.replace(
      /\{\{|\}\}|\{([^{}!:]*)(?:!([rsa]))?(?::((?:[^{}]|\{[^{}]*\})*))?\}|[{}]/g,
      (match, path?: string, conversion?: string, spec = "") => {
        if (match === "{{") return "{";
        if (match === "}}") return "}";
        if (path === undefined)
          throw new TemplateFailure(`ValueError: Single '${match}' encountered in format string`);
        const value = fieldOf(path);
        const shown = conversion === undefined ? value : conversion === "s" ? strOf(value) : reprOf(value);
        return formatValue(shown, expand(spec), budget);
      },
    );
  const result = expand(text);
  budget.make(result.length);
  return result;
}

const SPEC = /^(?:(.)?([<>=^]))?([-+ ])?(#)?(0)?(\d+)?([,_])?(?:\.(\d+))?([bcdeEfFgGnosxX%])?$/su;

/** A value by Python's format specification. */
function formatValue(value: Value, spec: string, budget: Budget): string {
  if (spec === "") return strOf(value);
  const match = SPEC.exec(spec);
  if (!match) throw new TemplateFailure(`ValueError: Invalid format specifier '${spec}'`);
  const [, fill, align, sign = "-", , zero, width = "0", group, precision, kind] = match;
  const number = typeof value === "string" ? undefined : numeric(value);
  let body: string;
  if (number === undefined) {
    if (typeof value !== "string")
      throw new TemplateFailure(
        `TypeError: unsupported format string passed to ${typeName(value)}.__format__`,
      );
    if (kind !== undefined && kind !== "s")
      throw new TemplateFailure(`ValueError: Unknown format code '${kind}' for object of type 'str'`);
    body = precision === undefined ? value : codePoints(value).slice(0, Number(precision)).join("");
  } else {
    body = digitsOf(number, kind, precision === undefined ? undefined : Number(precision));
    if (group) body = body.replace(/^-?\d+/, (whole) => whole.replace(/\B(?=(\d{3})+$)/g, group));
    if (sign !== "-" && !body.startsWith("-")) body = sign + body;
  }
  const room = Number(width) - codePoints(body).length;
  if (room <= 0) return body;
  budget.make(room);
  const side = align ?? (zero && number !== undefined ? "=" : number === undefined ? "<" : ">");
  const padding = (fill ?? (zero ? "0" : " ")).repeat(room);
  if (side === "<") return body + padding;
  if (side === ">") return padding + body;
  if (side === "^") {
    const left = Math.floor(room / 2);
    return padding.slice(0, left) + body + padding.slice(left);
  }
  const [, signed = "", digits = ""] = /^([-+ ]?)(.*)$/s.exec(body)!;
  return signed + padding + digits;
}

function digitsOf(number: bigint | number, kind: string | undefined, precision: number | undefined): string {
  switch (kind) {
    case undefined:
      if (precision !== undefined) return general(Number(number), precision);
      return typeof number === "bigint" ? String(number) : floatOf(number);
    case "d":
    case "n":
    case "b":
    case "o":
    case "x":
    case "X":
    case "c": {
      if (typeof number !== "bigint")
        throw new TemplateFailure(`ValueError: Unknown format code '${kind}' for object of type 'float'`);
      if (kind === "c") return String.fromCodePoint(Number(number));
      const base = { d: 10, n: 10, b: 2, o: 8, x: 16, X: 16 }[kind];
      const digits = number.toString(base);
      return kind === "X" ? digits.toUpperCase() : digits;
    }
    case "e":
    case "E": {
      const text = exponential(Number(number), precision ?? 6);
      return kind === "E" ? text.toUpperCase() : text;
    }
    case "f":
    case "F":
      return fixed(Number(number), precision ?? 6);
    case "%":
      return `${fixed(Number(number) * 100, precision ?? 6)}%`;
    case "g":
    case "G": {
      const text = general(Number(number), precision ?? 6);
      return kind === "G" ? text.toUpperCase() : text;
    }
    default:
      throw new TemplateFailure(`ValueError: Unknown format code '${kind}' for a number`);
  }
}

const exponential = (value: number, precision: number): string =>
  Number.isFinite(value) ? value.toExponential(precision).replace(/e([-+])(\d)$/, "e$10$2") : floatOf(value);

/** Halves go to the even digit, where the binary number is such a half. */
export function fixed(value: number, precision: number): string {
  if (!Number.isFinite(value)) return floatOf(value);
  const text = value.toFixed(precision);
  const scaled = Math.abs(value) * 10 ** precision;
  // A half of so many digits is a multiple of 2^-(precision + 1), which is seen without rounding.
  const isHalf = scaled % 1 === 0.5 && Number.isInteger(value * 2 ** (precision + 1));
  if (!isHalf) return Object.is(value, -0) ? `-${text}` : text;
  const even = 2 * Math.round(scaled / 2);
  const digits = String(even).padStart(precision + 1, "0");
  const point = digits.length - precision;
  const sign = value < 0 ? "-" : "";
  return sign + digits.slice(0, point) + (precision === 0 ? "" : `.${digits.slice(point)}`);
}

/** `g`: so many significant digits, an exponent where there are more, and no zeros at the end. */
function general(value: number, precision: number): string {
  if (!Number.isFinite(value)) return floatOf(value);
  const digits = Math.max(1, precision);
  const exponent = value === 0 ? 0 : Number(value.toExponential(digits - 1).split("e")[1]);
  if (exponent < -4 || exponent >= digits) return exponential(value, digits - 1).replace(/\.?0+(?=e)/, "");
  const text = fixed(value, Math.max(0, digits - 1 - exponent));
  return text.includes(".") ? text.replace(/\.?0+$/, "") : text;
}

/** `text % values`. */
export function formatPercent(text: string, values: Value, budget: Budget): string {
  const list = values instanceof Tuple ? values.items : [values];
  let next = 0;
  const result = text.replace(
    /%(?:\((.*?)\))?([-+ #0]*)(\d+|\*)?(?:\.(\d+))?([%a-zA-Z]?)/g,
    (
      _,
      key: string | undefined,
      flags: string,
      width: string | undefined,
      precision: string | undefined,
      kind: string,
    ) => {
      if (kind === "%") return "%";
      if (width === "*") throw new TemplateFailure("a width of '*' in a format is not built");
      const value = key === undefined ? list[next++] : values instanceof Dict ? values.get(key) : undefined;
      if (value === undefined)
        throw new TemplateFailure(
          key === undefined ? "TypeError: not enough arguments for format string" : `KeyError: '${key}'`,
        );
      return percentValue(value, kind, flags, Number(width ?? 0), precision, budget);
    },
  );
  if (next < list.length && !(values instanceof Dict) && !/%\(/.test(text))
    throw new TemplateFailure("TypeError: not all arguments converted during string formatting");
  budget.make(result.length);
  return result;
}

function percentValue(
  value: Value,
  kind: string,
  flags: string,
  width: number,
  precision: string | undefined,
  budget: Budget,
): string {
  const left = flags.includes("-") ? "<" : ">";
  if (kind === "s" || kind === "r" || kind === "a") {
    const shown = kind === "s" ? strOf(value) : reprOf(value);
    return formatValue(
      shown,
      `${left}${width || ""}${precision === undefined ? "" : `.${precision}`}`,
      budget,
    );
  }
  const number = numeric(value);
  if (number === undefined || !/[diouxXeEfFgGc]/.test(kind))
    throw new TemplateFailure(
      number === undefined
        ? `TypeError: %${kind} format: a real number is required, not ${typeName(value)}`
        : `ValueError: unsupported format character '${kind}'`,
    );
  const whole = /[diu]/.test(kind);
  const shown = whole && typeof number === "number" ? BigInt(Math.trunc(number)) : number;
  const sign = flags.includes("+") ? "+" : flags.includes(" ") ? " " : "";
  const zero = flags.includes("0") && left === ">" ? "0" : "";
  const spec = `${zero ? "" : left}${sign}${zero}${width || ""}${precision === undefined ? "" : `.${precision}`}`;
  return formatValue(shown, spec + (whole ? "" : kind), budget);
}
