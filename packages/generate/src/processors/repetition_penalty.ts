import { div, lt, mul, occurs, reshape, where } from "@fusewire/ir";
import { sameForAll } from "./encode.ts";
import type { Processor } from "./processor.ts";

/**
 * Scores of tokens that stand in the row already are divided by the penalty when positive and multiplied when
 * negative, once each (Keskar et al. 2019; RepetitionPenaltyLogitsProcessor).
 */
export const repetitionPenalty: Processor = {
  option: "repetition_penalty",
  neutral: 1,
  samplingOnly: false,
  encode: sameForAll("f32"),
  apply: (scores, { value }, { ids, lengths }) => {
    const [batch, vocabulary] = scores.type.shape as readonly [number, number];
    const penalty = reshape(value!, [batch, 1]);
    const penalised = where(lt(scores, 0), mul(scores, penalty), div(scores, penalty));
    return where(occurs(ids, lengths, vocabulary), penalised, scores);
  },
};
