import { cacheWrite, constant, type Node, reshape, type Tracer } from "@fusewire/ir";
import { doneState, type EntryContext, idsState, lengthsState, rowsInput } from "./context.ts";

/**
 * Starts rows anew: ids i32[B, C] with count[b] real tokens each, and done[b], 1 for rows that only fill the batch.
 * Keys and values need no clearing: no token looks past the length of its row.
 */
export function begin(tracer: Tracer, { cache, batch }: EntryContext): Record<string, Node> {
  const rows = rowsInput(tracer, batch);
  const vector = (value: number) => constant(tracer.table, value, "i32", [batch]);
  const count = tracer.input("count", { dtype: "i32", shape: [batch] });
  const ids = tracer.input("ids", { dtype: "i32", shape: [batch, cache.capacity] });
  const done = tracer.input("done", { dtype: "i32", shape: [batch] });
  const set = (state: Node, value: Node) =>
    cacheWrite(state, rows, vector(0), vector(1), reshape(value, [batch, 1]), 1);
  tracer.write("ids", cacheWrite(idsState(tracer, cache), rows, vector(0), count, ids, 1));
  tracer.write("lengths", set(lengthsState(tracer, cache), count));
  tracer.write("done", set(doneState(tracer, cache), done));
  return {};
}
