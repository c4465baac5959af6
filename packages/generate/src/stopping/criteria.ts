import { FusewireError } from "@fusewire/ir";
import type { StepScores } from "../step.ts";
import type { FinishReason } from "./finish_reason.ts";

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

/** Why rows end now, undefined for those that go on. Time is up for all of them, behind a whole pass of the model. */
export function rowsToStop(
  { criteria, maxTime }: Stopping,
  input_ids: readonly (readonly number[])[],
  scores: readonly NonNullable<StepScores["scores"]>[] | undefined,
  elapsed: number,
): (FinishReason | undefined)[] {
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
  return input_ids.map((_, b) => {
    if (late) return "time";
    const stops = verdicts.some((verdict) => (typeof verdict === "boolean" ? verdict : verdict[b] === true));
    return stops ? "aborted" : undefined;
  });
}
