import { add, and, cast, exp, lt, max, mul, neg, reshape, sub, where } from "@fusewire/ir";
import { idsForAll, perRow } from "./encode.ts";
import { isIn } from "./masks.ts";
import type { Processor } from "./processor.ts";

/** From `start` new tokens on, end tokens gain |score| · (factor^steps - 1) (ExponentialDecayLengthPenalty). */
export const exponentialDecay: Processor = {
  option: "exponential_decay_length_penalty",
  samplingOnly: false,
  encode: (value, { batch, eos, prompts }) => {
    const [start, factor] = value as readonly [number, number];
    if (eos.length === 0) return undefined;
    return {
      inputs: {
        start: perRow(batch, "i32", (row) => start + (prompts[row] ?? 0)),
        growth: perRow(batch, "f32", () => Math.log(factor)),
        eos: idsForAll(batch, eos),
      },
    };
  },
  apply: (scores, { start, growth, eos }, { lengths }) => {
    const batch = scores.type.shape[0]!;
    const steps = cast(sub(lengths, start!), "f32");
    // factor^steps = exp(steps · ln factor)
    const gain = reshape(sub(exp(mul(steps, growth!)), 1), [batch, 1]);
    const late = reshape(lt(start!, lengths), [batch, 1]);
    const raised = add(scores, mul(max(scores, neg(scores)), gain));
    // A banned token stays banned: -inf plus its size would be NaN.
    const allowed = lt(Number.NEGATIVE_INFINITY, scores);
    return where(and(and(late, isIn(scores, eos!)), allowed), raised, scores);
  },
};
