import type { PadPlan } from "./options.ts";

/** First character of a token and the one after its last, in code points as Python counts them. */
export type Offset = [start: number, end: number];

/** Token ids of several texts, one row each; the mask is 1 on tokens and 0 on padding. */
export interface Encoding {
  readonly input_ids: number[][];
  readonly attention_mask: number[][];
  /** With `return_offsets_mapping`: where each token stands in its text, [0, 0] where it stands in none. */
  readonly offset_mapping?: Offset[][];
  /** With `return_assistant_tokens_mask`: 1 on tokens that the assistant writes. */
  readonly assistant_masks?: number[][];
}

/** Brings the rows of every column to the length that the plan asks for. Longer rows stay as they are. */
export function padEncoding(encoding: Encoding, plan: PadPlan, padId: number): Encoding {
  const { input_ids, attention_mask, offset_mapping, assistant_masks } = encoding;
  const wanted =
    plan.strategy === "max_length"
      ? (plan.maxLength ?? 0)
      : input_ids.reduce((longest, row) => Math.max(longest, row.length), 0);
  const length = Math.ceil(wanted / plan.multiple) * plan.multiple;
  const fill = <T>(rows: readonly (readonly T[])[], value: T): T[][] =>
    rows.map((row) => {
      const pads = new Array<T>(Math.max(0, length - row.length)).fill(value);
      return plan.side === "left" ? [...pads, ...row] : [...row, ...pads];
    });
  return {
    input_ids: fill(input_ids, padId),
    attention_mask: fill(attention_mask, 0),
    ...(offset_mapping && { offset_mapping: fill<Offset>(offset_mapping, [0, 0]) }),
    ...(assistant_masks && { assistant_masks: fill(assistant_masks, 0) }),
  };
}
