import { and, lt, reshape, where } from "@fusewire/ir";
import { idsForAll, perRow } from "./encode.ts";
import { isIn } from "./masks.ts";
import type { EncodeContext, Encoded, Processor } from "./processor.ts";

/** Bans end tokens until a row has a length of its own, counted without pads. */
const banEndUntil = (
  option: string,
  least: (value: number, row: number, context: EncodeContext) => number,
): Processor => ({
  option,
  samplingOnly: false,
  encode: (value, context): Encoded | undefined => {
    const { batch, eos } = context;
    if (Number(value) === 0 || eos.length === 0) return undefined;
    return {
      inputs: {
        least: perRow(batch, "i32", (row) => least(Number(value), row, context)),
        eos: idsForAll(batch, eos),
      },
    };
  },
  apply: (scores, { least, eos }, { lengths }) => {
    const short = reshape(lt(lengths, least!), [scores.type.shape[0]!, 1]);
    return where(and(short, isIn(scores, eos!)), Number.NEGATIVE_INFINITY, scores);
  },
});

/** No end before `min_length` tokens, prompt and pads counted (MinLengthLogitsProcessor). */
export const minLength = banEndUntil(
  "min_length",
  (value, row, { width, prompts }) => value - (width - (prompts[row] ?? 0)),
);

/** No end before `min_new_tokens` new ones (MinNewTokensLengthLogitsProcessor). */
export const minNewTokens = banEndUntil(
  "min_new_tokens",
  (value, row, { prompts }) => value + (prompts[row] ?? 0),
);
