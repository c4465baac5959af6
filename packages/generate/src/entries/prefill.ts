import { gather, type Node, type Tracer } from "@fusewire/ir";
import { type Step, stepAt } from "@fusewire/models";
import { type EntryContext, idsState, layerContext, rowsInput } from "./context.ts";

/**
 * Decodes a chunk of prompt tokens into the caches: count[b] of the `length` tokens of row rows[b] from at[b] on.
 * It computes no scores, for a prompt's last token goes through the first decode step.
 */
export function prefill(tracer: Tracer, context: EntryContext, length: number): Record<string, Node> {
  const step = chunkStep(tracer, context, length);
  const tokens = gather(gather(idsState(tracer, context.cache), step.rows), step.positions, 1);
  context.model.decode(layerContext(tracer, context), tokens, step);
  return {};
}

/** The same for tokens i32[B, T] that are given, returning the scores after every one: f32[B, T, V]. */
export const logits = (tracer: Tracer, context: EntryContext, length: number): Record<string, Node> => ({
  logits: decodeGiven(tracer, context, length).scores,
});

/**
 * Returns hidden states beside the scores, f32[B, T, width] each: `hidden.0` is the embedding, each further one comes
 * out of a layer, and the last went through the last norm too (Hugging Face output_hidden_states).
 */
export function hidden(tracer: Tracer, context: EntryContext, length: number): Record<string, Node> {
  const { scores, states } = decodeGiven(tracer, context, length);
  return { logits: scores, ...Object.fromEntries(states.map((state, i) => [`hidden.${i}`, state])) };
}

function decodeGiven(tracer: Tracer, context: EntryContext, length: number) {
  const { batch, model } = context;
  const step = chunkStep(tracer, context, length);
  const tokens = tracer.input("tokens", { dtype: "i32", shape: [batch, length] });
  const layers = layerContext(tracer, context);
  const inputs: Node[] = [];
  const last = model.decode(layers, tokens, step, (input) => inputs.push(input));
  return { scores: model.head(layers, last), states: [...inputs, last] };
}

function chunkStep(tracer: Tracer, { cache, batch }: EntryContext, length: number): Step {
  const vector = (name: string) => tracer.input(name, { dtype: "i32", shape: [batch] });
  return stepAt(cache, length, {
    rows: rowsInput(tracer, batch),
    at: vector("at"),
    count: vector("count"),
  });
}
