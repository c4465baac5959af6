import { perRow } from "./encode.ts";
import { banRepeats } from "./no_repeat_ngram.ts";
import type { Processor } from "./processor.ts";

/**
 * No n-gram of the prompt occurs in what follows it (EncoderNoRepeatNGramLogitsProcessor, which takes the prompt where
 * there is no encoder).
 */
export const encoderNoRepeatNgram: Processor = {
  option: "encoder_no_repeat_ngram_size",
  samplingOnly: false,
  encode: (value, { batch, prompts }) =>
    Number(value) > 0
      ? { inputs: { prompt: perRow(batch, "i32", (row) => prompts[row] ?? 0) }, fixed: Number(value) }
      : undefined,
  apply: (scores, { prompt }, context, n) => banRepeats(scores, context, prompt!, n),
};
