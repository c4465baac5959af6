import {
  add,
  cacheWrite,
  cast,
  constant,
  eq,
  gather,
  le,
  max,
  type Node,
  reduceMax,
  reshape,
  sub,
  type Tracer,
} from "@fusewire/ir";
import { stepAt } from "@fusewire/models";
import { type Selection, select } from "../selection.ts";
import { doneState, type EntryContext, idsState, layerContext, lengthsState, rowsInput } from "./context.ts";

/**
 * One step of generation: decodes the last token of each row, chooses the next one and appends it. The device keeps
 * ids, lengths and what has ended, so that steps can follow each other without the host. Inputs: rows i32[B]; limit
 * i32[B], the length at which a row ends; eos i32[B, E], ids that end it, -1 for none; and the selection's options.
 * Outputs: token i32[B] and done i32[B]; the token of a row that had ended before means nothing.
 */
export function decode(
  tracer: Tracer,
  context: EntryContext,
  selection: Selection,
  eosCount: number,
): Record<string, Node> {
  const { cache, batch, model } = context;
  const layers = layerContext(tracer, context);
  const rows = rowsInput(tracer, batch);
  const idsOfAll = idsState(tracer, cache);
  const lengthsOfAll = lengthsState(tracer, cache);
  const doneOfAll = doneState(tracer, cache);
  const column = (state: Node) => reshape(gather(state, rows), [batch]);
  const ids = gather(idsOfAll, rows);
  const lengths = column(lengthsOfAll);
  const doneBefore = column(doneOfAll);
  const active = sub(constant(tracer.table, 1, "i32"), doneBefore);

  const last = sub(lengths, 1);
  const tokens = gather(ids, reshape(last, [batch, 1]), 1);
  const hidden = model.decode(layers, tokens, stepAt(cache, 1, { rows, at: last, count: active }));
  const scores = reshape(model.head(layers, hidden), [batch, model.vocabSize]);
  const { token } = select(tracer, selection, scores, { ids, lengths, keep: 1 });

  const limit = tracer.input("limit", { dtype: "i32", shape: [batch] });
  const eos = tracer.input("eos", { dtype: "i32", shape: [batch, eosCount] });
  const ended = reshape(reduceMax(cast(eq(reshape(token, [batch, 1]), eos), "i32")), [batch]);
  const full = cast(le(limit, add(lengths, 1)), "i32");
  const done = max(doneBefore, max(ended, full));
  const set = (state: Node, value: Node) =>
    cacheWrite(state, rows, constant(tracer.table, 0, "i32", [batch]), active, reshape(value, [batch, 1]), 1);
  tracer.write("ids", cacheWrite(idsOfAll, rows, lengths, active, reshape(token, [batch, 1]), 1));
  tracer.write("lengths", set(lengthsOfAll, add(lengths, 1)));
  tracer.write("done", set(doneOfAll, done));
  return { token, done };
}
