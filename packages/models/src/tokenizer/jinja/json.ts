import { floatOf } from "./print.ts";
import { Dict, isList, TemplateFailure, Tuple, typeName, type Value } from "./values.ts";

/** The arguments of `tojson`, which transformers passes on to Python's `json.dumps`. */
export interface JsonStyle {
  readonly ensureAscii: boolean;
  /** What each level is indented by; null for a single line. */
  readonly indent: string | null;
  readonly separators: readonly [item: string, key: string];
  readonly sortKeys: boolean;
}

/** A value as `json.dumps` writes it. */
export function toJson(value: Value, style: JsonStyle, depth = 0): string {
  if (value === null) return "null";
  if (typeof value === "boolean" || typeof value === "bigint") return String(value);
  if (typeof value === "number") return numberOf(value);
  if (typeof value === "string") return stringOf(value, style);
  if (isList(value))
    return block(
      "[]",
      value.map((one) => toJson(one, style, depth + 1)),
      style,
      depth,
    );
  if (value instanceof Tuple) return toJson(value.items, style, depth);
  if (value instanceof Dict) {
    const entries = value.entries().map(([key, one]) => [keyOf(key), one] as const);
    if (style.sortKeys) entries.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
    const lines = entries.map(
      ([key, one]) => stringOf(key, style) + style.separators[1] + toJson(one, style, depth + 1),
    );
    return block("{}", lines, style, depth);
  }
  throw new TemplateFailure(`TypeError: Object of type ${typeName(value)} is not JSON serializable`);
}

function block(brackets: "[]" | "{}", items: readonly string[], style: JsonStyle, depth: number): string {
  const [open, close] = brackets;
  if (items.length === 0) return brackets;
  if (style.indent === null) return open + items.join(style.separators[0]) + close;
  const line = `\n${style.indent.repeat(depth + 1)}`;
  return `${open}${line}${items.join(style.separators[0] + line)}\n${style.indent.repeat(depth)}${close}`;
}

const numberOf = (value: number): string =>
  Number.isNaN(value)
    ? "NaN"
    : Number.isFinite(value)
      ? floatOf(value)
      : value > 0
        ? "Infinity"
        : "-Infinity";

function keyOf(key: Value): string {
  if (typeof key === "string") return key;
  if (key === null) return "null";
  if (typeof key === "boolean" || typeof key === "bigint") return String(key);
  if (typeof key === "number") return numberOf(key);
  throw new TemplateFailure(`TypeError: keys must be str, int, float, bool or None, not ${typeName(key)}`);
}

const SHORT: Readonly<Record<string, string>> = {
  '"': '\\"',
  "\\": "\\\\",
  "\b": "\\b",
  "\f": "\\f",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
};

function stringOf(text: string, { ensureAscii }: JsonStyle): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: JSON escapes just these.
  const escaped = ensureAscii ? /["\\]|[^ -~]/g : /["\\\u0000-\u001f]/g;
  const code = (unit: string) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
  return `"${text.replace(escaped, (unit) => SHORT[unit] ?? code(unit))}"`;
}
