import { constant, le, mul, or, reduceMax, reshape, softmax, topK, where } from "@fusewire/ir";
import type { Processor } from "./processor.ts";

/** Keeps tokens at least `min_p` times as likely as the likeliest (Nguyen et al. 2024; MinPLogitsWarper). */
export const minP: Processor = {
  option: "min_p",
  dtype: "f32",
  neutral: 0,
  samplingOnly: true,
  apply: (scores, value, { keep }) => {
    const batch = value.type.shape[0]!;
    const likely = softmax(scores);
    let kept = le(mul(reduceMax(likely), reshape(value, [batch, 1])), likely);
    if (keep > 1) {
      const best = topK(scores, constant(scores.table, keep, "i32", [batch]));
      kept = or(kept, le(scores, best));
    }
    return where(kept, scores, Number.NEGATIVE_INFINITY);
  },
};
