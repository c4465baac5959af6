import { add, cacheWrite, constant, type Node, reshape, type Tracer } from "@fusewire/ir";
import { doneState, type EntryContext, idsState, lengthsState, rowsInput } from "./context.ts";

/**
 * Puts tokens i32[B, T] into rows from at[b] on, count[b] of them, and ends each row behind them: how a draft model
 * learns what became of its drafts. Keys and values stay; who calls knows which of them are still right. done i32[B]
 * is each row's new end mark.
 */
export function append(tracer: Tracer, { cache, batch }: EntryContext, length: number): Record<string, Node> {
  const rows = rowsInput(tracer, batch);
  const vector = (name: string) => tracer.input(name, { dtype: "i32", shape: [batch] });
  const at = vector("at");
  const count = vector("count");
  const tokens = tracer.input("tokens", { dtype: "i32", shape: [batch, length] });
  const [zeros, ones] = [0, 1].map((value) => constant(tracer.table, value, "i32", [batch])) as [Node, Node];
  const set = (state: Node, value: Node) =>
    cacheWrite(state, rows, zeros, ones, reshape(value, [batch, 1]), 1);
  tracer.write("ids", cacheWrite(idsState(tracer, cache), rows, at, count, tokens, 1));
  tracer.write("lengths", set(lengthsState(tracer, cache), add(at, count)));
  tracer.write("done", set(doneState(tracer, cache), vector("done")));
  return {};
}
