import {
  argsort,
  cast,
  cumsum,
  eq,
  exp,
  gather,
  le,
  lt,
  max,
  mul,
  neg,
  reduceSum,
  reshape,
  sliceAxis,
  where,
} from "@fusewire/ir";
import { sameForAll } from "./encode.ts";
import { logSoftmax } from "./masks.ts";
import type { Processor } from "./processor.ts";

/** No more tokens than these are looked at. */
const MOST = 100;

/**
 * Keeps the likeliest tokens while the entropy they add up to stays within a share of the whole, and at least one
 * (Potraghloo et al. 2025; TopHLogitsWarper).
 */
export const topH: Processor = {
  option: "top_h",
  samplingOnly: true,
  encode: sameForAll("f32"),
  apply: (scores, { value }) => {
    const [batch, vocabulary] = scores.type.shape as readonly [number, number];
    const order = argsort(scores, true);
    const logs = logSoftmax(sliceAxis(gather(scores, order, 1), 1, 0, Math.min(MOST, vocabulary)));
    const likely = exp(logs);
    const terms = where(eq(likely, 0), 0, neg(mul(likely, logs)));
    const share = mul(reduceSum(terms), reshape(value!, [batch, 1]));
    const kept = max(reduceSum(cast(le(cumsum(terms), share), "i32")), 1);
    // The order of the order is each token's rank.
    return where(lt(argsort(order, false), kept), scores, Number.NEGATIVE_INFINITY);
  },
};
