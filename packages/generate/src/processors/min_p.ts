import { and, lt, mul, reduceMax, reshape, softmax, where } from "@fusewire/ir";
import { sameForAll } from "./encode.ts";
import { belowBest } from "./masks.ts";
import type { Processor } from "./processor.ts";

/** Keeps tokens at least `min_p` times as likely as the likeliest (Nguyen et al. 2024; MinPLogitsWarper). */
export const minP: Processor = {
  option: "min_p",
  neutral: 0,
  samplingOnly: true,
  encode: sameForAll("f32"),
  apply: (scores, { value }, { keep }) => {
    const likely = softmax(scores);
    const unlikely = lt(likely, mul(reduceMax(likely), reshape(value!, [scores.type.shape[0]!, 1])));
    // The likeliest is never below a share of itself, so one token stays by itself.
    const dropped = keep > 1 ? and(unlikely, belowBest(scores, keep)) : unlikely;
    return where(dropped, Number.NEGATIVE_INFINITY, scores);
  },
};
