import type { Node, Tracer } from "@fusewire/ir";
import { logSoftmax } from "../processors/masks.ts";
import { processScores, type Selection } from "../selection.ts";
import type { EntryContext } from "./context.ts";
import { currentRows, givenScores, nextScores } from "./current.ts";

export interface Processing {
  /** The processors that are applied. */
  readonly selection: Selection;
  /** The scores are an input, f32[B, V]; else the last token of each row is decoded, as in `decode`. */
  readonly given: boolean;
  /** Scores are logarithms of probabilities before anything is applied to them, as beam search has it. */
  readonly normalised: boolean;
}

/**
 * A part of a step, up to where the host changes scores: scores f32[B, V] after some of the processors, and where a
 * token was decoded also the model's own, logits f32[B, V].
 */
export function process(
  tracer: Tracer,
  context: EntryContext,
  { selection, given, normalised }: Processing,
): Record<string, Node> {
  const current = currentRows(tracer, context);
  const logits = given ? givenScores(tracer, context) : nextScores(tracer, current);
  const { ids, lengths } = current;
  const scores = processScores(tracer, selection, normalised ? logSoftmax(logits) : logits, {
    ids,
    lengths,
    keep: 1,
  });
  return given ? { scores } : { scores, logits };
}
