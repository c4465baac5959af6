import { FusewireError } from "@fusewire/ir";
import type { StepScores } from "../step.ts";

/**
 * A stopping criterion in JavaScript (Hugging Face StoppingCriteria): gets the tokens of each row so far, pads left
 * out, and the scores of each step where output_scores is on; says whether rows end, all of them or each for itself.
 */
export type StoppingCriterion = (
  input_ids: readonly (readonly number[])[],
  scores?: readonly NonNullable<StepScores["scores"]>[],
) => boolean | readonly boolean[];

/** What stops rows from outside the device. */
export interface Stopping {
  readonly criteria: readonly StoppingCriterion[];
  /** Milliseconds. */
  readonly maxTime: number | undefined;
}

/** Whether anything is to be asked. */
export const isStopping = ({ criteria, maxTime }: Stopping): boolean =>
  criteria.length > 0 || maxTime !== undefined;

/** Which rows end now. Time is up for all of them, behind a whole pass of the model. */
export function rowsToStop(
  { criteria, maxTime }: Stopping,
  input_ids: readonly (readonly number[])[],
  scores: readonly NonNullable<StepScores["scores"]>[] | undefined,
  elapsed: number,
): boolean[] {
  const late = maxTime !== undefined && elapsed > maxTime;
  const verdicts = criteria.map((criterion) => {
    const verdict = criterion(input_ids, scores);
    const fits =
      typeof verdict === "boolean" ||
      (Array.isArray(verdict) &&
        verdict.length === input_ids.length &&
        verdict.every((one) => typeof one === "boolean"));
    if (!fits)
      throw new FusewireError(
        `a stopping criterion must return true or false, or one of them for each of ${input_ids.length} rows`,
      );
    return verdict;
  });
  return input_ids.map(
    (_, b) =>
      late || verdicts.some((verdict) => (typeof verdict === "boolean" ? verdict : verdict[b] === true)),
  );
}
