import {
  and,
  argsort,
  cast,
  cumsum,
  eq,
  exp,
  gather,
  le,
  lt,
  max,
  min,
  mul,
  neg,
  reduceSum,
  reshape,
  softmax,
  sub,
  where,
} from "@fusewire/ir";
import { sameForAll } from "./encode.ts";
import { logSoftmax } from "./masks.ts";
import type { Processor } from "./processor.ts";

/**
 * Keeps the tokens whose surprise is nearest the row's entropy, as many as hold the mass (Meister et al. 2022;
 * TypicalLogitsWarper).
 */
export const typicalP: Processor = {
  option: "typical_p",
  samplingOnly: true,
  encode: (value, context) => (value === 1 ? undefined : sameForAll("f32")(value, context)),
  apply: (scores, { value }, { keep }) => {
    const [batch, vocabulary] = scores.type.shape as readonly [number, number];
    const logs = logSoftmax(scores);
    const likely = exp(logs);
    // Nothing times -inf is nothing here, as nansum has it.
    const entropy = neg(reduceSum(where(eq(likely, 0), 0, mul(likely, logs))));
    const distance = sub(neg(logs), entropy);
    const atypical = max(distance, neg(distance));
    const order = argsort(atypical, false);
    const mass = cumsum(softmax(gather(scores, order, 1)));
    const count = reduceSum(cast(lt(mass, reshape(value!, [batch, 1])), "i32"));
    const farthest = gather(gather(atypical, order, 1), min(count, vocabulary - 1), 1);
    const dropped = lt(farthest, atypical);
    const kept = keep > 1 ? and(dropped, le(keep, argsort(order, false))) : dropped;
    return where(kept, Number.NEGATIVE_INFINITY, scores);
  },
};
