import { div, lt, mul, type Node, occurs, reshape, where } from "@fusewire/ir";
import { sameForAll } from "./encode.ts";
import type { Processor } from "./processor.ts";

/** Scores f32[B, V] by the penalty f32[B], divided when positive and multiplied when negative, where `seen` holds. */
export function penalise(scores: Node, value: Node, seen: Node): Node {
  const penalty = reshape(value, [scores.type.shape[0]!, 1]);
  return where(seen, where(lt(scores, 0), mul(scores, penalty), div(scores, penalty)), scores);
}

/**
 * Scores of tokens that stand in the row already are divided by the penalty when positive and multiplied when
 * negative, once each (Keskar et al. 2019; RepetitionPenaltyLogitsProcessor).
 */
export const repetitionPenalty: Processor = {
  option: "repetition_penalty",
  neutral: 1,
  samplingOnly: false,
  encode: sameForAll("f32"),
  apply: (scores, { value }, { ids, lengths }) =>
    penalise(scores, value!, occurs(ids, lengths, scores.type.shape[1]!)),
};
