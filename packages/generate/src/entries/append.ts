import { add, cacheWrite, constant, gather, type Node, reshape, type Tracer } from "@fusewire/ir";
import { stepAt } from "@fusewire/models";
import { doneState, type EntryContext, idsState, layerContext, lengthsState, rowsInput } from "./context.ts";

/**
 * Puts tokens i32[B, T] into rows from at[b] on, count[b] of them, and ends each row behind them: how a draft model
 * learns what became of its drafts. done i32[B] is each row's new end mark. With `decoded` it also decodes up to so
 * many tokens into the caches, missing[b] of them from from[b] on, before which hidden[b] tokens have no keys and
 * values; all other keys and values stay.
 */
export function append(
  tracer: Tracer,
  context: EntryContext,
  { length, decoded }: { readonly length: number; readonly decoded: number },
): Record<string, Node> {
  const { cache, batch, model } = context;
  const rows = rowsInput(tracer, batch);
  const vector = (name: string) => tracer.input(name, { dtype: "i32", shape: [batch] });
  const at = vector("at");
  const count = vector("count");
  const tokens = tracer.input("tokens", { dtype: "i32", shape: [batch, length] });
  const [zeros, ones] = [0, 1].map((value) => constant(tracer.table, value, "i32", [batch])) as [Node, Node];
  const set = (state: Node, value: Node) =>
    cacheWrite(state, rows, zeros, ones, reshape(value, [batch, 1]), 1);
  const ids = cacheWrite(idsState(tracer, cache), rows, at, count, tokens, 1);
  tracer.write("ids", ids);
  tracer.write("lengths", set(lengthsState(tracer, cache), add(at, count)));
  tracer.write("done", set(doneState(tracer, cache), vector("done")));
  if (decoded > 0) {
    const step = stepAt(cache, decoded, {
      rows,
      ...{ at: vector("from"), count: vector("missing"), hidden: vector("hidden") },
    });
    model.decode(layerContext(tracer, context), gather(gather(ids, rows), step.positions, 1), step);
  }
  return {};
}
