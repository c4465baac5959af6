import { and, eq, reshape, where } from "@fusewire/ir";
import { asList, idsForAll, perRow } from "./encode.ts";
import { isIn } from "./masks.ts";
import type { Processor } from "./processor.ts";

/** Bans tokens throughout (SuppressTokensLogitsProcessor). */
export const suppressTokens: Processor = {
  option: "suppress_tokens",
  samplingOnly: false,
  encode: (value, { batch }) =>
    asList(value).length === 0 ? undefined : { inputs: { ids: idsForAll(batch, asList(value)) } },
  apply: (scores, { ids }) => where(isIn(scores, ids!), Number.NEGATIVE_INFINITY, scores),
};

/** Bans tokens as the first new one (SuppressTokensAtBeginLogitsProcessor). */
export const beginSuppressTokens: Processor = {
  option: "begin_suppress_tokens",
  samplingOnly: false,
  encode: (value, { batch, prompts, width, forcesFirst }) =>
    asList(value).length === 0
      ? undefined
      : {
          inputs: {
            ids: idsForAll(batch, asList(value)),
            // Behind a token that is forced where it would stand itself.
            at: perRow(batch, "i32", (row) => (prompts[row] ?? 0) + (forcesFirst && width === 1 ? 1 : 0)),
          },
        },
  apply: (scores, { ids, at }, { lengths }) => {
    const first = reshape(eq(lengths, at!), [scores.type.shape[0]!, 1]);
    return where(and(first, isIn(scores, ids!)), Number.NEGATIVE_INFINITY, scores);
  },
};
