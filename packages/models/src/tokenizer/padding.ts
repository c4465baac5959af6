import type { PadPlan } from "./options.ts";

/** Token ids of several texts, one row each; the mask is 1 on tokens and 0 on padding. */
export interface Encoding {
  readonly input_ids: number[][];
  readonly attention_mask: number[][];
}

/** Fills rows up to the length that the plan asks for. Longer rows stay as they are. */
export function padRows(
  rows: readonly (readonly number[])[],
  masks: readonly (readonly number[])[],
  plan: PadPlan,
  padId: number,
): Encoding {
  const wanted =
    plan.strategy === "max_length"
      ? (plan.maxLength ?? 0)
      : rows.reduce((longest, row) => Math.max(longest, row.length), 0);
  const length = Math.ceil(wanted / plan.multiple) * plan.multiple;
  const fill = (row: readonly number[], value: number): number[] => {
    const pads = new Array<number>(Math.max(0, length - row.length)).fill(value);
    return plan.side === "left" ? [...pads, ...row] : [...row, ...pads];
  };
  return {
    input_ids: rows.map((row) => fill(row, padId)),
    attention_mask: masks.map((mask) => fill(mask, 0)),
  };
}
