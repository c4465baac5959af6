import { undefinedError } from "./operators.ts";
import { escapedInside, strOf } from "./print.ts";
import {
  type Arguments,
  Escaped,
  firstGiven,
  numeric,
  TemplateFailure,
  typeName,
  Undefined,
  type Value,
} from "./values.ts";

/** The values of parameters in their order, as Python binds arguments; undefined for those not given. */
export function bind(
  name: string,
  { positional, named }: Arguments,
  required: readonly string[],
  optional: readonly string[] = [],
): (Value | undefined)[] {
  const parameters = [...required, ...optional];
  if (positional.length > parameters.length)
    throw new TemplateFailure(
      `TypeError: ${name}() takes at most ${parameters.length} arguments (${positional.length} given)`,
    );
  for (const key of named.keys()) {
    const at = parameters.indexOf(key);
    if (at < 0) throw new TemplateFailure(`TypeError: ${name}() got an unexpected keyword argument '${key}'`);
    if (at < positional.length)
      throw new TemplateFailure(`TypeError: ${name}() got multiple values for argument '${key}'`);
  }
  const values = parameters.map((parameter, i) => firstGiven(positional[i], named.get(parameter)));
  const missing = required.find((_, i) => values[i] === undefined);
  if (missing !== undefined)
    throw new TemplateFailure(`TypeError: ${name}() is missing the argument '${missing}'`);
  return values;
}

export const NONE: Arguments = { positional: [], named: new Map() };

/** A text, and nothing that would have to become one. */
export function textOf(value: Value, name: string): string {
  if (typeof value === "string") return value;
  if (value instanceof Undefined) throw undefinedError(value);
  if (value instanceof Escaped) throw escapedInside();
  throw new TemplateFailure(`TypeError: ${name}() needs a text, not ${typeName(value)}`);
}

/** Any value as a text, as most filters take it. */
export function softText(value: Value): string {
  if (value instanceof Escaped) throw escapedInside();
  return strOf(value);
}

export function integerOf(value: Value, name: string): number {
  const number = numeric(value);
  if (typeof number === "bigint") return Number(number);
  throw new TemplateFailure(`TypeError: ${name}() needs an integer, not ${typeName(value)}`);
}
