import { gather, type Node, type Tracer } from "@fusewire/ir";
import { type Step, stepAt } from "@fusewire/models";
import { type EntryContext, idsState, layerContext, rowsInput } from "./context.ts";

/**
 * Decodes a chunk of prompt tokens into the caches: count[b] of the `length` tokens of row rows[b] from at[b] on.
 * It computes no scores, for a prompt's last token goes through the first decode step.
 */
export function prefill(tracer: Tracer, context: EntryContext, length: number): Record<string, Node> {
  decodeChunk(tracer, context, length);
  return {};
}

/** The same, returning the scores after every token: f32[B, T, V]. */
export function logits(tracer: Tracer, context: EntryContext, length: number): Record<string, Node> {
  const hidden = decodeChunk(tracer, context, length);
  return { logits: context.model.head(layerContext(tracer, context), hidden) };
}

function decodeChunk(tracer: Tracer, context: EntryContext, length: number): Node {
  const { cache, batch, model } = context;
  const vector = (name: string) => tracer.input(name, { dtype: "i32", shape: [batch] });
  const step: Step = stepAt(cache, length, {
    rows: rowsInput(tracer, batch),
    at: vector("at"),
    count: vector("count"),
  });
  const tokens = gather(gather(idsState(tracer, cache), step.rows), step.positions, 1);
  return model.decode(layerContext(tracer, context), tokens, step);
}
