import type { Field } from "./field.ts";

const field =
  <T>(allowed: string, accepts: (value: unknown) => value is T) =>
  (doc: string): Field<T> => ({ allowed, accepts, doc });

const isNumber = (value: unknown): value is number => typeof value === "number" && Number.isFinite(value);
const isText = (value: unknown): value is string => typeof value === "string";
const isId = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0;
const listOf =
  <T>(accepts: (value: unknown) => value is T, most = Infinity) =>
  (value: unknown): value is T[] =>
    Array.isArray(value) && value.length <= most && value.every(accepts);

export const number = (least: number, most: number) =>
  field(
    most === Infinity ? `a number from ${least} on` : `a number from ${least} to ${most}`,
    (value): value is number => isNumber(value) && value >= least && value <= most,
  );

export const integer = (least: number, most = Number.MAX_SAFE_INTEGER) =>
  field(
    most === Number.MAX_SAFE_INTEGER
      ? `an integer of ${least} or more`
      : `an integer from ${least} to ${most}`,
    (value): value is number =>
      Number.isSafeInteger(value) && Number(value) >= least && Number(value) <= most,
  );

export const boolean = field("true or false", (value): value is boolean => typeof value === "boolean");

export const text = field("a text", isText);

export const oneOf = <const T extends string>(...words: readonly T[]) =>
  field(
    `one of ${words.join(", ")}`,
    (value): value is T => isText(value) && words.some((word) => word === value),
  );

export const object = field(
  "an object",
  (value): value is Readonly<Record<string, unknown>> =>
    typeof value === "object" && value !== null && !Array.isArray(value),
);

export const ids = field("a list of token ids", listOf(isId));

/** A text, or up to `most` of them that are not empty. */
export const texts = (most: number) =>
  field(`a text, or a list of at most ${most}, none of them empty`, (value): value is string | string[] => {
    const filled = (one: unknown): one is string => isText(one) && one !== "";
    return filled(value) || listOf(filled, most)(value);
  });

/** A prompt of OpenAI's completions: a text, token ids, or a list of either. */
export const prompts = field(
  "a text, a list of texts, token ids, or a list of lists of token ids",
  (value): value is string | string[] | number[] | number[][] =>
    isText(value) ||
    (Array.isArray(value) &&
      value.length > 0 &&
      (listOf(isText)(value) || listOf(isId)(value) || listOf(listOf(isId))(value))),
);

/** Accepted at values that change nothing; anything else is refused with the reason. */
export const only = (values: readonly unknown[], reason: string) =>
  field<unknown>(
    `${values.map((value) => JSON.stringify(value)).join(" or ")} here: ${reason}`,
    (value): value is unknown => values.some((one) => JSON.stringify(one) === JSON.stringify(value)),
  );

/** Accepted and without meaning here. */
export const ignored = field<unknown>("anything", (value): value is unknown => value !== undefined);
