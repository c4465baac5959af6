/** What a call is given: its inputs, and options beside them or in an argument of their own. */
import { FusewireError } from "@fusewire/ir";
import type { ForwardInputs } from "./forward_inputs.ts";
import type { PositionedInputs } from "./rows.ts";

/** Every input, as the tokenizer and Hugging Face name them; what else stands beside them is an option. */
const INPUTS = {
  generate: ["input_ids", "attention_mask", "position_ids"],
  forward: ["input_ids", "attention_mask", "position_ids", "cache_position"],
} as const satisfies {
  generate: readonly (keyof PositionedInputs)[];
  forward: readonly (keyof ForwardInputs)[];
};

/**
 * Takes the options out of `{ ...inputs, max_new_tokens: 5 }`, as transformers.js is called, and adds those of the
 * second argument. Throws where the inputs are none, or an option is given in both places.
 */
export function splitCall<I extends PositionedInputs, O extends object>(
  where: keyof typeof INPUTS,
  given: I & O,
  options: O,
): { readonly inputs: I; readonly options: O } {
  checkInputs(where, given);
  const names: readonly string[] = INPUTS[where];
  const entries = Object.entries(given);
  const beside = entries.filter(([name]) => !names.includes(name));
  const twice = beside.find(([name]) => Object.hasOwn(options, name));
  if (twice)
    throw new FusewireError(
      `${where}(): '${twice[0]}' stands beside the inputs and among the options; leave one of them out`,
    );
  if (beside.length === 0) return { inputs: given, options };
  return {
    inputs: Object.fromEntries(entries.filter(([name]) => names.includes(name))) as unknown as I,
    options: { ...Object.fromEntries(beside), ...options },
  };
}

const isRows = (value: unknown): boolean => Array.isArray(value) && value.every(Array.isArray);

/** The types say so too, but JavaScript has none. */
function checkInputs(where: string, given: unknown): void {
  const wanted = "{ input_ids: [[…]], attention_mask: [[…]] }, as tokenizer(text) returns them";
  if (typeof given === "string" || (Array.isArray(given) && typeof given[0] === "string"))
    throw new FusewireError(
      `${where}() takes tokens, not text: give it ${wanted}; or call pipeline("text-generation", …) or streamText(model, tokenizer, text)`,
    );
  if (Array.isArray(given)) throw new FusewireError(`${where}() takes ${wanted}, not a list of ids`);
  if (typeof given !== "object" || given === null)
    throw new FusewireError(`${where}() takes ${wanted}, not ${given}`);
  const { input_ids, attention_mask = [] } = given as { input_ids?: unknown; attention_mask?: unknown };
  if (!isRows(input_ids))
    throw new FusewireError(
      `${where}(): input_ids must be rows of numbers, [[…]], one for each text${input_ids === undefined ? "; it is missing" : ""}`,
    );
  if (!isRows(attention_mask))
    throw new FusewireError(`${where}(): attention_mask must be rows of 0 and 1, like those of input_ids`);
}
