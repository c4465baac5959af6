import {
  add,
  and,
  cast,
  cumsum,
  eq,
  gather,
  iota,
  le,
  lt,
  max,
  type Node,
  reduceMax,
  reshape,
  sliceAxis,
  sub,
  type Tracer,
  where,
} from "@fusewire/ir";
import type { StopShape } from "./stop_tables.ts";

/** N tokens that were just chosen, each with the row it is added to. */
export interface Chosen {
  /** i32[N] */
  readonly token: Node;
  /** i32[N, E]: ids that end the row, -1 for none. */
  readonly eos: Node;
  /** i32[N, C]: the row before the token. */
  readonly ids: Node;
  /** i32[N]: the row's length before it. */
  readonly lengths: Node;
}

/** i32[N]: 1 where the token ends its row, as an end token or because a stop string is complete. */
export function endsRow(tracer: Tracer, chosen: Chosen, stops: StopShape | undefined): Node {
  const { token, eos } = chosen;
  const n = token.type.shape[0]!;
  const ended = reshape(reduceMax(cast(eq(reshape(token, [n, 1]), eos), "i32")), [n]);
  return stops ? max(ended, stringFound(tracer, chosen, stops)) : ended;
}

/**
 * i32[N]: 1 where the token completes a stop string. From the last token back, each must fit where those behind it
 * have left off; where that is, is a running sum of lengths, so that no token waits for another (Hugging Face
 * StopStringCriteria).
 */
function stringFound(tracer: Tracer, { token, ids, lengths }: Chosen, shape: StopShape): Node {
  const [n, capacity] = ids.type.shape as readonly [number, number];
  const { vocabulary, ends: e, places: p } = shape;
  const earlier = Math.min(shape.window - 1, capacity);
  const width = e + e * p + 1;
  const classes = tracer.input("stop.class", { dtype: "i32", shape: [vocabulary] });
  const table = tracer.input("stop.table", { dtype: "i32", shape: [shape.classes, width] });
  const target = reshape(tracer.input("stop.length", { dtype: "i32", shape: [e] }), [1, 1, e]);
  const any = (x: Node, axis: number) => reduceMax(cast(x, "i32"), axis);

  const last = gather(table, gather(classes, token));
  const covered = reshape(sliceAxis(last, 1, 0, e), [n, 1, e]);
  const started = lt(0, covered);
  const atOnce = any(and(started, le(target, covered)), 2);
  if (earlier === 0) return reshape(atOnce, [n]);

  // The tokens before the last, nearest first; before a row's start stands what matches nothing.
  const at = sub(sub(reshape(lengths, [n, 1]), 1), iota(ids.table, earlier));
  const class_ = where(lt(at, 0), 0, gather(classes, gather(ids, at, 1)));
  const rows = gather(table, class_);
  const places = reshape(sliceAxis(rows, 2, e, e * p), [n, earlier, e, p]);
  const length = sliceAxis(rows, 2, width - 1, 1);
  const after = add(covered, cumsum(length, 1));
  const fits = any(eq(places, reshape(sub(after, length), [n, earlier, e, 1])), 3);
  const broken = cumsum(sub(1, reshape(fits, [n, earlier, e])), 1);
  const complete = and(and(started, eq(broken, 0)), le(target, after));
  const found = reduceMax(any(complete, 1), 2);
  return reshape(max(atOnce, found), [n]);
}
