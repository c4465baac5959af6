import type { Node, Tracer } from "@fusewire/ir";
import { type ScoreOutput, scoreOutputs } from "../scores/outputs.ts";
import { type Selection, select } from "../selection.ts";
import type { EntryContext } from "./context.ts";
import { appendToken, currentRows, type Ending, givenScores, nextScores } from "./current.ts";
import { guidedScores } from "./guidance.ts";

export interface Decoding extends Ending {
  readonly selection: Selection;
  /** Also returns scores. */
  readonly returns?: readonly ScoreOutput[];
  /** The scores are an input, f32[B, V], and nothing is decoded: the host has changed them. */
  readonly given?: boolean;
  /** Scores are led away from those of other rows of the cache, which get the same tokens: see `guidedScores`. */
  readonly guided?: boolean;
}

/**
 * One step of generation: decodes the last token of each row, chooses the next one and appends it. The device keeps
 * ids, lengths and what has ended, so that steps can follow each other without the host. Inputs: rows i32[B]; limit
 * i32[B], the length at which a row ends; eos i32[B, E], ids that end it, -1 for none; the selection's options; and
 * where scores are guided other_rows i32[B] and guidance_scale. Outputs: token i32[B] and done i32[B]; the token of a row
 * that had ended before means nothing.
 */
export function decode(
  tracer: Tracer,
  context: EntryContext,
  { selection, returns = [], given = false, guided = false, ...ending }: Decoding,
): Record<string, Node> {
  const current = currentRows(tracer, context);
  const others = guided
    ? currentRows(tracer, context, tracer.input("other_rows", { dtype: "i32", shape: [context.batch] }))
    : undefined;
  const { ids, lengths } = current;
  const plain = () => (given ? givenScores(tracer, context) : nextScores(tracer, current));
  const { scores, logits } = others ? guidedScores(tracer, current, others) : asGiven(plain());
  const { token, processed } = select(tracer, selection, scores, { ids, lengths, keep: 1 });
  const done = appendToken(tracer, current, token, ending, others);
  return {
    token,
    done,
    ...scoreOutputs(returns, { logits, processed, token }),
  };
}

/** Scores to choose from as the model gave them. */
const asGiven = (scores: Node) => ({ scores, logits: scores });
