import {
  Attributes,
  Callable,
  Dict,
  DictView,
  Escaped,
  isList,
  Namespace,
  Once,
  Range,
  TemplateFailure,
  Tuple,
  typeName,
  Undefined,
  type Value,
} from "./values.ts";

/** A value as Python's `str` writes it, which is how templates print. */
export function strOf(value: Value): string {
  if (typeof value === "string") return value;
  if (value instanceof Undefined) return "";
  if (value instanceof Escaped) return value.text;
  return reprOf(value);
}

/** A value as Python's `repr` writes it: texts in quotes. */
export function reprOf(value: Value): string {
  if (typeof value === "string") return quote(value);
  if (value === null) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (typeof value === "bigint") return String(value);
  if (typeof value === "number") return floatOf(value);
  if (isList(value)) return `[${value.map(reprOf).join(", ")}]`;
  if (value instanceof Tuple)
    return value.items.length === 1
      ? `(${reprOf(value.items[0]!)},)`
      : `(${value.items.map(reprOf).join(", ")})`;
  if (value instanceof Dict)
    return `{${value
      .entries()
      .map(([key, one]) => `${reprOf(key)}: ${reprOf(one)}`)
      .join(", ")}}`;
  if (value instanceof Undefined) return "Undefined";
  if (value instanceof Range) {
    const ends = `${value.start}, ${value.stop}`;
    return value.step === 1n ? `range(${ends})` : `range(${ends}, ${value.step})`;
  }
  if (value instanceof DictView) return `${value.kind}([${value.items.map(reprOf).join(", ")}])`;
  if (value instanceof Namespace) return `<Namespace ${reprOf(value.attributes)}>`;
  if (value instanceof Attributes && value.name === "TemplateReference") return "<TemplateReference None>";
  if (value instanceof Escaped) return `Markup(${quote(value.text)})`;
  if (value instanceof Once || value instanceof Callable || value instanceof Attributes)
    throw unprintable(value);
  return value satisfies never;
}

/** Python prints where such a value lies in memory, which nobody can want in a chat. */
const unprintable = (value: Value): TemplateFailure =>
  new TemplateFailure(
    `a ${typeName(value)} is printed, where Python would print its address${value instanceof Once ? "; the filter list makes a list of it" : ""}`,
  );

/** An escaped text anywhere but by itself. */
export const escapedInside = (): TemplateFailure =>
  new TemplateFailure(
    "a text of the filter escape is computed with, which is not supported; print it as it is",
  );

/** A float as Python writes it: the shortest digits that read back, with an exponent below 1e-4 and from 1e16 on. */
export function floatOf(value: number): string {
  if (Number.isNaN(value)) return "nan";
  if (!Number.isFinite(value)) return value > 0 ? "inf" : "-inf";
  if (Object.is(value, -0)) return "-0.0";
  const [digits = "", power = "0"] = value.toExponential().split("e");
  const exponent = Number(power);
  if (exponent < -4 || exponent >= 16)
    return `${digits}e${exponent < 0 ? "-" : "+"}${String(Math.abs(exponent)).padStart(2, "0")}`;
  const plain = String(value);
  return plain.includes(".") ? plain : `${plain}.0`;
}

const SHORT: Readonly<Record<string, string>> = { "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t" };

/** Single quotes unless the text holds those alone; what cannot be printed by its code. */
function quote(text: string): string {
  const mark = text.includes("'") && !text.includes('"') ? '"' : "'";
  const inner = Array.from(text, (character) => {
    if (character === mark) return `\\${mark}`;
    if (Object.hasOwn(SHORT, character)) return SHORT[character]!;
    if (character === " " || !/[\p{C}\p{Z}]/u.test(character)) return character;
    return codeOf(character.codePointAt(0)!);
  });
  return mark + inner.join("") + mark;
}

function codeOf(code: number): string {
  const hex = code.toString(16);
  if (code <= 0xff) return `\\x${hex.padStart(2, "0")}`;
  return code <= 0xffff ? `\\u${hex.padStart(4, "0")}` : `\\U${hex.padStart(8, "0")}`;
}
