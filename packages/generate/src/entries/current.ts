import {
  add,
  cacheWrite,
  cast,
  constant,
  gather,
  le,
  max,
  mul,
  type Node,
  reshape,
  sub,
  type Tracer,
} from "@fusewire/ir";
import { stepAt } from "@fusewire/models";
import { endsRow } from "../stopping/ends.ts";
import type { StopShape } from "../stopping/stop_tables.ts";
import { doneState, type EntryContext, idsState, layerContext, lengthsState, rowsInput } from "./context.ts";

/** Rows before a step that gives each of them one token. */
export interface Current {
  readonly context: EntryContext;
  /** i32[B]: the cache row of each. */
  readonly rows: Node;
  /** i32[B, C] */
  readonly ids: Node;
  /** i32[B] each; what is done takes no token. */
  readonly lengths: Node;
  readonly done: Node;
  readonly active: Node;
}

export function currentRows(tracer: Tracer, context: EntryContext): Current {
  const { cache, batch } = context;
  const rows = rowsInput(tracer, batch);
  const column = (state: Node) => reshape(gather(state, rows), [batch]);
  const done = column(doneState(tracer, cache));
  return {
    context,
    rows,
    ids: gather(idsState(tracer, cache), rows),
    lengths: column(lengthsState(tracer, cache)),
    done,
    active: sub(constant(tracer.table, 1, "i32"), done),
  };
}

/**
 * Scores of what may follow, f32[B, V]: decodes the last token of each row. With `gaps` so many tokens of each row have
 * no keys and values, the last one too where kept i32[B] is 0: it then sees what the token before it saw.
 */
export function nextScores(
  tracer: Tracer,
  { context, rows, ids, lengths, active }: Current,
  gaps?: { readonly hidden: Node; readonly kept: Node },
): Node {
  const { cache, batch, model } = context;
  const layers = layerContext(tracer, context);
  const last = sub(lengths, 1);
  const tokens = gather(ids, reshape(last, [batch, 1]), 1);
  const step = stepAt(cache, 1, {
    rows,
    at: last,
    ...(gaps ? { count: mul(active, gaps.kept), hidden: gaps.hidden } : { count: active }),
  });
  const hidden = model.decode(layers, tokens, step);
  return reshape(model.head(layers, hidden), [batch, model.vocabSize]);
}

/** Scores that come from the host, f32[B, V]. */
export const givenScores = (tracer: Tracer, { batch, model }: EntryContext): Node =>
  tracer.input("scores", { dtype: "f32", shape: [batch, model.vocabSize] });

/** How rows end: by one of so many end tokens or a stop string, or at the length in the input `limit`. */
export interface Ending {
  readonly eosCount: number;
  readonly stops?: StopShape;
}

/** Appends a token i32[B] to the rows that are active; the result i32[B] is 1 for those that have then ended. */
export function appendToken(
  tracer: Tracer,
  { context, rows, ids, lengths, done: doneBefore, active }: Current,
  token: Node,
  { eosCount, stops }: Ending,
): Node {
  const { cache, batch } = context;
  const limit = tracer.input("limit", { dtype: "i32", shape: [batch] });
  const eos = tracer.input("eos", { dtype: "i32", shape: [batch, eosCount] });
  const full = cast(le(limit, add(lengths, 1)), "i32");
  const done = max(doneBefore, max(endsRow(tracer, { token, eos, ids, lengths }, stops), full));
  const set = (state: Node, value: Node) =>
    cacheWrite(state, rows, constant(tracer.table, 0, "i32", [batch]), active, reshape(value, [batch, 1]), 1);
  const idsOfAll = idsState(tracer, cache);
  tracer.write("ids", cacheWrite(idsOfAll, rows, lengths, active, reshape(token, [batch, 1]), 1));
  tracer.write("lengths", set(lengthsState(tracer, cache), add(lengths, 1)));
  tracer.write("done", set(doneState(tracer, cache), done));
  return done;
}
