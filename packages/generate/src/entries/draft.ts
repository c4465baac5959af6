import { cast, gather, lt, type Node, reshape, softmax, sub, type Tracer } from "@fusewire/ir";
import { type Selection, select } from "../selection.ts";
import type { EntryContext } from "./context.ts";
import { appendToken, currentRows, type Ending, nextScores } from "./current.ts";

/**
 * A step of an assistant: as `decode`, but drawing from the stream of drafts. Inputs beside those of `decode`: hidden
 * i32[B], tokens of each row that have no keys and values, and unkept i32[B], the position of the last token where it
 * is one of them, -1 where not. Outputs beside those of `decode`: confidence f32[B], the probability of each token among those it was chosen from; and where tokens are sampled all of
 * those, probabilities f32[B, V], by which the model that verifies accepts them.
 */
export function draft(
  tracer: Tracer,
  context: EntryContext,
  { selection, ...ending }: Ending & { readonly selection: Selection },
): Record<string, Node> {
  const { batch } = context;
  const current = currentRows(tracer, context);
  const { ids, lengths } = current;
  const [hidden, unkept] = ["hidden", "unkept"].map((name) =>
    tracer.input(name, { dtype: "i32", shape: [batch] }),
  ) as [Node, Node];
  const kept = cast(lt(unkept, sub(lengths, 1)), "i32");
  const scores = nextScores(tracer, current, { hidden, kept });
  const { token, processed } = select(tracer, selection, scores, { ids, lengths, keep: 1 }, "draft");
  const done = appendToken(tracer, current, token, ending);
  const probabilities = softmax(processed);
  const confidence = reshape(gather(probabilities, reshape(token, [batch, 1]), 1), [batch]);
  return { token, done, confidence, ...(selection.sample && { probabilities }) };
}
