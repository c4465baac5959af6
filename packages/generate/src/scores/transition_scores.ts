import type { AllScores } from "../result.ts";

/**
 * The score of each new token as it was chosen, row by row (Hugging Face compute_transition_scores): from `sequences`
 * and the `scores` of a generation with output_scores, with `beam_indices` where it searched with beams. With
 * `normalize_logits` they are logarithms of probabilities. 0 stands behind the end of a row.
 */
export function compute_transition_scores(
  sequences: readonly (readonly number[])[],
  scores: AllScores,
  beam_indices?: readonly (readonly number[])[],
  normalize_logits = false,
): number[][] {
  const steps = beam_indices ? Math.max(...beam_indices.map((row) => row.length)) : scores.length;
  return sequences.map((ids, b) =>
    Array.from({ length: steps }, (_, t) => {
      const row = beam_indices ? beam_indices[b]![t] : b;
      const of = row === undefined ? undefined : scores[t]![row];
      if (!of) return 0;
      return of[ids[ids.length - steps + t]!]! - (normalize_logits ? logSumExp(of) : 0);
    }),
  );
}

function logSumExp(row: Float32Array): number {
  const largest = row.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  return largest + Math.log(row.reduce((sum, x) => sum + Math.exp(x - largest), 0));
}
