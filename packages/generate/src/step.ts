/** Scores of one step, one entry a row, undefined for rows that had ended; see `output_scores` and its like. */
export interface StepScores {
  /** After all processing, over the vocabulary. */
  readonly scores?: readonly (Float32Array | undefined)[];
  /** As the model gives them. */
  readonly logits?: readonly (Float32Array | undefined)[];
  /** Natural logarithm of the chosen token's probability among those it was chosen from. */
  readonly logprobs?: readonly (number | undefined)[];
}

/** The tokens of one step: one a row, undefined for rows that got none or ended before. */
export interface GenerationStep extends StepScores {
  readonly tokens: readonly (number | undefined)[];
}
