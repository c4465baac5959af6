import { and, eq, not, reshape, where } from "@fusewire/ir";
import { asList, idsForAll, perRow } from "./encode.ts";
import { isIn } from "./masks.ts";
import type { EncodeContext, Encoded, Processor } from "./processor.ts";

/** Leaves only the given tokens, with a score of 0, where a row has one length. */
const forceAt = (option: string, at: (row: number, context: EncodeContext) => number): Processor => ({
  option,
  samplingOnly: false,
  encode: (value, context): Encoded => ({
    inputs: {
      at: perRow(context.batch, "i32", (row) => at(row, context)),
      ids: idsForAll(context.batch, asList(value)),
    },
  }),
  apply: (scores, { at, ids }, { lengths }) => {
    const now = reshape(eq(lengths, at!), [scores.type.shape[0]!, 1]);
    const forced = isIn(scores, ids!);
    const banned = where(and(now, not(forced)), Number.NEGATIVE_INFINITY, scores);
    return where(and(now, forced), 0, banned);
  },
});

/** The first token after a prompt of one (ForcedBOSTokenLogitsProcessor). */
export const forcedBos = forceAt("forced_bos_token_id", (_row, { width }) => (width === 1 ? 1 : -1));

/** The last token that fits (ForcedEOSTokenLogitsProcessor). */
export const forcedEos = forceAt(
  "forced_eos_token_id",
  (row, { prompts, maxNew }) => (prompts[row] ?? 0) + maxNew - 1,
);
