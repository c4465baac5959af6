import { type Field, InvalidField, readFields } from "../fields/field.ts";

/** A parameter of TGI's routes, with the message of its validation.rs where a value is refused. */
interface Parameter<T> {
  readonly accepts: (value: unknown) => value is T;
  readonly refusal: string;
  readonly doc: string;
}

const is =
  <T>(accepts: (value: unknown) => value is T, refusal: string) =>
  (doc: string): Parameter<T> => ({ accepts, refusal, doc });
const isNumber = (value: unknown): value is number => typeof value === "number" && Number.isFinite(value);
const isInteger = (value: unknown): value is number => Number.isSafeInteger(value);
const positive = (value: unknown): value is number => isNumber(value) && value > 0;
const isBoolean = (value: unknown): value is boolean => typeof value === "boolean";
const unbuilt = (what: string, ...values: readonly unknown[]) =>
  is((value): value is unknown => values.includes(value), `${what} is not built`)("Not built.");

/** Stop texts and likely tokens at most, TGI's defaults. */
export const MOST_STOPS = 4;
export const MOST_TOP = 5;

export const PARAMETERS = {
  best_of: unbuilt("`best_of` above 1", 1),
  temperature: is(
    positive,
    "`temperature` must be strictly positive",
  )("Tokens are drawn the more evenly the larger it is."),
  repetition_penalty: is(
    positive,
    "`repetition_penalty` must be strictly positive",
  )("Above 1 tokens of the text become less likely."),
  frequency_penalty: unbuilt("`frequency_penalty`", 0),
  top_k: is(
    (value): value is number => isInteger(value) && value > 0,
    "`top_k` must be strictly positive",
  )("Draws among this many of the likeliest tokens."),
  top_p: is(
    (value): value is number => positive(value) && value < 1,
    "`top_p` must be > 0.0 and < 1.0",
  )("Draws among the likeliest tokens of this probability together."),
  typical_p: unbuilt("`typical_p`", 1),
  do_sample: is(isBoolean, "`do_sample` must be true or false")("Draws tokens instead of taking the best."),
  max_new_tokens: is(
    (value): value is number => isInteger(value) && value > 0,
    "`max_new_tokens` must be strictly positive",
  )("New tokens at most."),
  return_full_text: is(
    isBoolean,
    "`return_full_text` must be true or false",
  )("Puts the prompt before the answer."),
  stop: is(
    (value): value is string[] =>
      Array.isArray(value) &&
      value.length <= MOST_STOPS &&
      value.every((one) => typeof one === "string" && one !== ""),
    `\`stop\` supports up to ${MOST_STOPS} stop sequences, none of them empty`,
  )("Texts at which the answer ends."),
  truncate: is(
    (value): value is number => isInteger(value) && value > 0,
    "`truncate` must be strictly positive",
  )("Keeps so many of the prompt's last tokens."),
  watermark: unbuilt("`watermark`", false),
  details: is(
    isBoolean,
    "`details` must be true or false",
  )("Returns tokens, how likely they were, and why the answer ended."),
  decoder_input_details: unbuilt("`decoder_input_details`", false),
  seed: is(
    (value): value is number => isInteger(value) && value >= 0,
    "`seed` must be a whole number of 0 or more",
  )("The same request with the same seed has the same answer."),
  top_n_tokens: is(
    (value): value is number => isInteger(value) && value >= 0 && value <= MOST_TOP,
    `\`top_n_tokens\` must be >= 0 and <= ${MOST_TOP}`,
  )("Likely tokens to name beside each one."),
  grammar: unbuilt("`grammar`"),
  adapter_id: unbuilt("`adapter_id`"),
};

type Values = {
  readonly [K in keyof typeof PARAMETERS]?: (typeof PARAMETERS)[K] extends Parameter<infer T> ? T : never;
};

/** A request of /generate and /generate_stream. */
export interface TgiRequest {
  readonly inputs: string;
  /** For the route `/`. */
  readonly stream: boolean;
  readonly parameters: Values;
}

const anything = (doc: string): Field => ({
  allowed: "anything",
  accepts: (value): value is unknown => true,
  doc,
});
const BODY = {
  inputs: anything("The prompt."),
  parameters: anything("See above."),
  stream: anything("For `/`."),
};

/** Reads a body, with TGI's own words for what is wrong. */
export function readTgi(body: unknown): TgiRequest {
  const { inputs, parameters = {}, stream = false } = readFields(body, BODY, ["inputs"]);
  if (typeof inputs !== "string" || inputs === "")
    throw new InvalidField("`inputs` cannot be empty", "inputs");
  if (typeof stream !== "boolean") throw new InvalidField("`stream` must be true or false", "stream");
  const asFields = Object.fromEntries(
    Object.entries(PARAMETERS).map(([name, { doc }]) => [name, anything(doc)]),
  );
  const given = readFields(parameters, asFields, []);
  for (const [name, { accepts, refusal }] of Object.entries(PARAMETERS))
    if (given[name] !== undefined && !accepts(given[name])) throw new InvalidField(refusal, name);
  // Where no parameters are given at all TGI draws tokens; where some are, only when they say so.
  const whole = (body as { parameters?: unknown }).parameters === undefined;
  return { inputs, stream, parameters: { ...(whole && { do_sample: true }), ...(given as Values) } };
}
