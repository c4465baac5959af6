import { NodeTable, type StateDecl, trace } from "@fusewire/ir";
import { begin } from "./begin.ts";
import type { EntryContext } from "./context.ts";
import { prefill } from "./prefill.ts";

/** The states of a cache: what programs read and write of a text, and the keys and values of each layer. */
export function statesOf(context: EntryContext): readonly StateDecl[] {
  const one = { ...context, batch: 1 };
  return trace(
    { begin: (tracer) => begin(tracer, one), prefill: (tracer) => prefill(tracer, one, 1) },
    new NodeTable(),
  ).states;
}

/** Those of them that hold keys and values. */
export const cacheStates = (context: EntryContext): readonly StateDecl[] =>
  statesOf(context).filter(({ name }) => name !== "ids" && name !== "lengths" && name !== "done");
