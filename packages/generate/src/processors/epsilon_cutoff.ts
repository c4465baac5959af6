import { and, lt, reshape, softmax, where } from "@fusewire/ir";
import { sameForAll } from "./encode.ts";
import { belowBest } from "./masks.ts";
import type { Processor } from "./processor.ts";

/** Drops tokens less likely than epsilon (Hewitt et al. 2022; EpsilonLogitsWarper). */
export const epsilonCutoff: Processor = {
  option: "epsilon_cutoff",
  samplingOnly: true,
  encode: (value, context) => (value === 0 ? undefined : sameForAll("f32")(value, context)),
  apply: (scores, { value }, { keep }) => {
    const unlikely = lt(softmax(scores), reshape(value!, [scores.type.shape[0]!, 1]));
    return where(and(unlikely, belowBest(scores, keep)), Number.NEGATIVE_INFINITY, scores);
  },
};
