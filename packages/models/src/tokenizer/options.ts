import { FusewireError } from "@fusewire/ir";
import { kindOf } from "../files/index.ts";

export type Side = "left" | "right";

export interface PadOptions {
  /** false; true or "longest": to the longest row; "max_length": to `max_length`. */
  readonly padding?: boolean | "longest" | "max_length" | "do_not_pad";
  /** Default: the tokenizer's `padding_side`. Generation needs "left". */
  readonly padding_side?: Side;
  readonly pad_to_multiple_of?: number;
  /** In tokens, special ones included. Default: the tokenizer's `model_max_length`. */
  readonly max_length?: number;
}

export interface EncodeOptions extends PadOptions {
  readonly truncation?: boolean | "longest_first" | "only_first" | "do_not_truncate";
  /** The side that loses tokens. Default: the tokenizer's `truncation_side`. */
  readonly truncation_side?: Side;
  /** Default true. */
  readonly add_special_tokens?: boolean;
  /** Special tokens written in the text stay text. Default: as tokenizer_config.json says, which is mostly false. */
  readonly split_special_tokens?: boolean;
  /** Adds `offset_mapping`. Default false. */
  readonly return_offsets_mapping?: boolean;
  /** Accepted for code that is carried over from Python: rows are plain arrays whatever it says. */
  readonly return_tensors?: "pt" | "np" | "tf";
}

export interface DecodeOptions {
  /** Default false. */
  readonly skip_special_tokens?: boolean;
  /** Default: as tokenizer_config.json says. */
  readonly clean_up_tokenization_spaces?: boolean;
}

/** What the options amount to. */
export interface PadPlan {
  readonly strategy: "none" | "longest" | "max_length";
  readonly side: Side;
  readonly multiple: number;
  /** Undefined where no length is set and none is needed. */
  readonly maxLength: number | undefined;
}

export interface EncodePlan extends PadPlan {
  readonly truncate: boolean;
  readonly truncationSide: Side;
  readonly addSpecialTokens: boolean;
  readonly splitSpecialTokens: boolean;
  readonly withOffsets: boolean;
  readonly withAssistantMasks: boolean;
}

/** What a tokenizer brings to a plan. */
export interface Defaults {
  readonly padding_side: Side;
  readonly truncation_side: Side;
  readonly model_max_length: number;
  readonly split_special_tokens: boolean;
}

export type Check = readonly [expected: string, accepts: (value: unknown) => boolean];

const isBoolean = (value: unknown): boolean => typeof value === "boolean";
const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && Number(value) >= 0;
export const oneOf = (...values: readonly unknown[]): Check => [
  values.map((value) => JSON.stringify(value)).join(", "),
  (value) => values.includes(value),
];
export const boolean: Check = ["true or false", isBoolean];
export const text: Check = ["a text", (value) => typeof value === "string"];
export const side: Check = oneOf("left", "right");
export const size: Check = ["an integer >= 1", (value) => isCount(value) && Number(value) >= 1];

const PAD_CHECKS: Readonly<Record<keyof PadOptions, Check>> = {
  padding: oneOf(true, false, "longest", "max_length", "do_not_pad"),
  padding_side: side,
  pad_to_multiple_of: size,
  max_length: ["an integer >= 0", isCount],
};
export const ENCODE_CHECKS: Readonly<Record<keyof EncodeOptions, Check>> = {
  ...PAD_CHECKS,
  truncation: oneOf(true, false, "longest_first", "only_first", "do_not_truncate"),
  truncation_side: side,
  add_special_tokens: boolean,
  split_special_tokens: boolean,
  return_offsets_mapping: boolean,
  return_tensors: oneOf("pt", "np", "tf"),
};
export const DECODE_CHECKS: Readonly<Record<keyof DecodeOptions, Check>> = {
  skip_special_tokens: boolean,
  clean_up_tokenization_spaces: boolean,
};

/** Rejects an option that `of` does not have, and a value of the wrong kind. Undefined counts as not given. */
export function checkOptions(options: object, checks: Readonly<Record<string, Check>>, of: string): void {
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined) continue;
    const check = Object.hasOwn(checks, name) ? checks[name] : undefined;
    if (!check)
      throw new FusewireError(`${of} has no option '${name}'; it has ${Object.keys(checks).join(", ")}`);
    if (!check[1](value))
      throw new FusewireError(`option '${name}' of ${of} is ${kindOf(value)}, expected ${check[0]}`);
  }
}

export function planPadding(options: PadOptions, defaults: Defaults, of = "pad"): PadPlan {
  checkOptions(options, PAD_CHECKS, of);
  return padPlan(options, defaults, of);
}

export function planEncoding(options: EncodeOptions, defaults: Defaults, of = "tokenizer"): EncodePlan {
  checkOptions(options, ENCODE_CHECKS, of);
  const pad = padPlan(options, defaults, of);
  const { truncation, max_length } = options;
  // A max_length alone truncates, as it always did in Hugging Face.
  const truncate =
    truncation === undefined
      ? max_length !== undefined && pad.strategy === "none"
      : truncation !== false && truncation !== "do_not_truncate";
  const maxLength = pad.maxLength ?? (truncate ? lengthLimit("truncation", of, defaults) : undefined);
  if (truncate && pad.strategy !== "none" && maxLength !== undefined && maxLength % pad.multiple !== 0)
    throw new FusewireError(
      `truncation and padding are both on, but max_length (${maxLength}) is not a multiple of pad_to_multiple_of (${pad.multiple}); choose a multiple`,
    );
  return {
    ...pad,
    maxLength,
    truncate,
    truncationSide: options.truncation_side ?? defaults.truncation_side,
    addSpecialTokens: options.add_special_tokens ?? true,
    splitSpecialTokens: options.split_special_tokens ?? defaults.split_special_tokens,
    withOffsets: options.return_offsets_mapping ?? false,
    withAssistantMasks: false,
  };
}

function padPlan(options: PadOptions, defaults: Defaults, of: string): PadPlan {
  const { padding = false } = options;
  const strategy =
    padding === "max_length" ? "max_length" : padding === true || padding === "longest" ? "longest" : "none";
  return {
    strategy,
    side: options.padding_side ?? defaults.padding_side,
    multiple: options.pad_to_multiple_of ?? 1,
    maxLength:
      options.max_length ??
      (strategy === "max_length" ? lengthLimit("padding: 'max_length'", of, defaults) : undefined),
  };
}

/** Hugging Face warns and does nothing where no limit is known; an answer of another shape than asked helps nobody. */
function lengthLimit(why: string, of: string, defaults: Defaults): number {
  if (Number.isSafeInteger(defaults.model_max_length)) return defaults.model_max_length;
  throw new FusewireError(
    `${why} of ${of} needs max_length: tokenizer_config.json has no model_max_length to stand in`,
  );
}
