import {
  add,
  cacheWrite,
  cast,
  concat,
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

export function currentRows(
  tracer: Tracer,
  context: EntryContext,
  rows = rowsInput(tracer, context.batch),
): Current {
  const { cache, batch } = context;
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

/** Rows and as many others after them, which are active where those are. */
export const joinRows = (first: Current, second: Current): Current => {
  const { context } = first;
  const both = (of: (current: Current) => Node) => concat([of(first), of(second)], 0);
  return {
    context: { ...context, batch: 2 * context.batch },
    rows: both(({ rows }) => rows),
    ids: both(({ ids }) => ids),
    lengths: both(({ lengths }) => lengths),
    done: concat([first.done, first.done], 0),
    active: concat([first.active, first.active], 0),
  };
};

/** Scores that come from the host, f32[B, V]. */
export const givenScores = (tracer: Tracer, { batch, model }: EntryContext): Node =>
  tracer.input("scores", { dtype: "f32", shape: [batch, model.vocabSize] });

/** How rows end: by one of so many end tokens or a stop string, or at the length in the input `limit`. */
export interface Ending {
  readonly eosCount: number;
  readonly stops?: StopShape;
}

/**
 * Appends a token i32[B] to the rows that are active, and to `others`, which end with them; the result i32[B] is 1 for
 * those that have then ended.
 */
export function appendToken(
  tracer: Tracer,
  current: Current,
  token: Node,
  { eosCount, stops }: Ending,
  others?: Current,
): Node {
  const { context, ids, lengths, done: doneBefore } = current;
  const { batch } = context;
  const limit = tracer.input("limit", { dtype: "i32", shape: [batch] });
  const eos = tracer.input("eos", { dtype: "i32", shape: [batch, eosCount] });
  const full = cast(le(limit, add(lengths, 1)), "i32");
  const done = max(doneBefore, max(endsRow(tracer, { token, eos, ids, lengths }, stops), full));
  if (others)
    writeToken(tracer, joinRows(current, others), concat([token, token], 0), concat([done, done], 0));
  else writeToken(tracer, current, token, done);
  return done;
}

function writeToken(
  tracer: Tracer,
  { context: { cache, batch }, rows, lengths, active }: Current,
  token: Node,
  done: Node,
): void {
  const column = (value: Node) => reshape(value, [batch, 1]);
  const set = (state: Node, value: Node) =>
    cacheWrite(state, rows, constant(tracer.table, 0, "i32", [batch]), active, column(value), 1);
  tracer.write("ids", cacheWrite(idsState(tracer, cache), rows, lengths, active, column(token), 1));
  tracer.write("lengths", set(lengthsState(tracer, cache), add(lengths, 1)));
  tracer.write("done", set(doneState(tracer, cache), done));
}
