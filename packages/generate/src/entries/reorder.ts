import { gather, type Node, type Tracer } from "@fusewire/ir";
import type { EntryContext } from "./context.ts";
import { statesOf } from "./states.ts";

/**
 * Gives every row of a cache what another row held before: row r takes row from[r], i32[rows], the same one for
 * several rows where they go on from one text (Hugging Face reorder_cache).
 */
export function reorder(tracer: Tracer, context: EntryContext): Record<string, Node> {
  const from = tracer.input("from", { dtype: "i32", shape: [context.cache.rows] });
  for (const { name, type } of statesOf(context)) tracer.write(name, gather(tracer.state(name, type), from));
  return {};
}
