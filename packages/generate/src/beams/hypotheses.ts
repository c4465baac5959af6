/** How beam search weighs and ends; names of Hugging Face in brackets. */
export interface BeamOptions {
  /** Rows of one text (num_beams). */
  readonly beams: number;
  /** Sums are divided by length to this power (length_penalty). */
  readonly lengthPenalty: number;
  /**
   * true: ends with as many texts as beams; false: when those that run would be no better at their length; "never":
   * when they could be no better at any (early_stopping).
   */
  readonly earlyStopping: boolean | "never";
  /** Texts that are returned of each prompt (num_return_sequences). */
  readonly returned: number;
}

/** A text under way or at its end, as its last token and what stands before it. */
export interface Path {
  readonly before: Path | undefined;
  readonly token: number;
  /** The row it continued. */
  readonly source: number;
  /** Summed logarithms up to here. */
  readonly sum: number;
}

/** A text that ended, with its sum over its length to the power of the penalty. */
export interface Hypothesis {
  readonly path: Path;
  readonly score: number;
}

/** A continuation that a step found; those of one text come best first. */
export interface Continuation {
  readonly token: number;
  readonly source: number;
  readonly sum: number;
  readonly ended: boolean;
}

/** What beam search keeps of one prompt. */
export interface BeamText {
  /** The best that ended, as many as beams at most, best first. */
  readonly best: readonly Hypothesis[];
  /** Whether those that run may still be better. */
  readonly open: boolean;
}

/** The texts that beam search returns, as Hugging Face describes them. */
export interface BeamOutcome {
  /** Score of each, which is its sum over its length to the power of the penalty. */
  readonly sequences_scores: readonly number[];
  /** Of each the row, prompts times beams, that each token continued. */
  readonly beam_indices: readonly (readonly number[])[];
}

/** Ended beams stand behind all others by this much. */
const ENDED = -1e9;

export const newText: BeamText = { best: [], open: true };

/**
 * A text after its `length`-th step (Hugging Face _update_finished_beams and _check_early_stop_heuristic): of the
 * first `beams` continuations those that ended are kept while they are among the best. `leader` is the sum of the best
 * beam that goes on, `longest` the length of the longest text.
 */
export function advanceText(
  { best, open }: BeamText,
  continuations: readonly { readonly path: Path; readonly ended: boolean }[],
  leader: number,
  { beams, lengthPenalty, earlyStopping }: BeamOptions,
  length: number,
  longest: number,
): BeamText {
  const full = best.length === beams;
  const found =
    open && !(full && earlyStopping === true)
      ? continuations
          .slice(0, beams)
          .filter(({ ended }) => ended)
          .map(({ path }) => ({ path, score: path.sum / length ** lengthPenalty }))
      : [];
  const merged = [...best, ...found].sort((a, b) => b.score - a.score).slice(0, beams);
  const reach = earlyStopping === "never" && lengthPenalty > 0 ? longest : length;
  const worst = merged.length === beams ? merged.at(-1)!.score : ENDED;
  return { best: merged, open: open && leader / reach ** lengthPenalty > worst };
}

/** Whether the search goes on: no text alone ends it (Hugging Face _beam_search_has_unfinished_sequences). */
export const goesOn = (texts: readonly BeamText[], { beams, earlyStopping }: BeamOptions): boolean =>
  texts.some(({ open }) => open) &&
  !(earlyStopping === true && texts.every(({ best }) => best.length === beams));

/** The best `count` texts. Where fewer have ended, Hugging Face returns the prompt alone, with the score of none. */
export const withMissing = (
  best: readonly Hypothesis[],
  count: number,
): readonly { readonly path: Path | undefined; readonly score: number }[] =>
  Array.from({ length: count }, (_, i) => best[i] ?? { path: undefined, score: ENDED });

/** The path from its first token on. */
export function stepsOf(path: Path | undefined): Path[] {
  const steps: Path[] = [];
  for (let at: Path | undefined = path; at; at = at.before) steps.unshift(at);
  return steps;
}
