import { and, eq, exp, lt, min, mul, reduceSum, reshape, sqrt, where } from "@fusewire/ir";
import { sameForAll } from "./encode.ts";
import { belowBest, logSoftmax } from "./masks.ts";
import type { Processor } from "./processor.ts";

/** Drops tokens less likely than min(eta, sqrt(eta) · exp(-entropy)) (Hewitt et al. 2022; EtaLogitsWarper). */
export const etaCutoff: Processor = {
  option: "eta_cutoff",
  samplingOnly: true,
  encode: (value, context) => (value === 0 ? undefined : sameForAll("f32")(value, context)),
  apply: (scores, { value }, { keep }) => {
    const logs = logSoftmax(scores);
    const likely = exp(logs);
    const negativeEntropy = reduceSum(where(eq(likely, 0), 0, mul(likely, logs)));
    const eta = reshape(value!, [scores.type.shape[0]!, 1]);
    const unlikely = lt(likely, min(eta, mul(sqrt(eta), exp(negativeEntropy))));
    return where(and(unlikely, belowBest(scores, keep)), Number.NEGATIVE_INFINITY, scores);
  },
};
