import {
  add,
  constant,
  gather,
  iota,
  max,
  type Node,
  reshape,
  sub,
  type Tracer,
  trigTable,
} from "@fusewire/ir";

/** How keys and values are kept: as floats, or as bytes with one scale a token and head. */
export type CacheDType = "f32" | "f16" | "i8";

/** The key-value cache of one model: `rows` sequences of up to `capacity` tokens. */
export interface CacheShape {
  readonly dtype: CacheDType;
  readonly rows: number;
  readonly capacity: number;
  /** Tokens of the longest step that will be run: a sliding window's ring must hold the window and all of them. */
  readonly longestStep: number;
}

/** What the layers of one step share. B rows of T tokens each, of which row b's first count[b] are real. */
export interface Step {
  readonly cache: CacheShape;
  /** i32[B]: the cache row of each batch row. */
  readonly rows: Node;
  /** i32[B]: the slot of each row's first token in the cache. */
  readonly at: Node;
  /** i32[B]: how many of the T tokens are real; the others write nothing. */
  readonly count: Node;
  /** i32[B, T]: slots in the cache, at[b], at[b]+1, …. */
  readonly slots: Node;
  /** i32[B, T]: where in its text each token stands: its slot, unless tokens before it are hidden. */
  readonly positions: Node;
}

/**
 * The step whose row b holds the tokens at positions at[b], at[b]+1, …; with `hidden`, i32[B], so many tokens before
 * them have no keys and values.
 */
export function stepAt(
  cache: CacheShape,
  length: number,
  { rows, at, count, hidden }: Pick<Step, "rows" | "at" | "count"> & { readonly hidden?: Node },
): Step {
  const from = (first: Node) => add(reshape(first, [at.type.shape[0]!, 1]), iota(at.table, length));
  const positions = from(at);
  if (!hidden) return { cache, rows, at, count, slots: positions, positions };
  const first = sub(at, hidden);
  return { cache, rows, at: first, count, slots: from(first), positions };
}

/** The run of keys each token sees, i32[B, T] each. */
export interface Interval {
  readonly lo: Node;
  readonly hi: Node;
}

/** A token sees itself and everything before it, or with a window at most the last `window` of those. */
export function causal({ slots }: Step, window?: number): Interval {
  const start = constant(slots.table, 0, "i32", slots.type.shape);
  return { lo: window === undefined ? start : max(sub(slots, window - 1), start), hi: slots };
}

/** Slots that a layer's cache needs: all of them, or a ring when a window leaves most of them unread. */
export function cacheSlots(
  { capacity, longestStep }: CacheShape,
  window?: number,
): { slots: number; ring: boolean } {
  const ringSize = window === undefined ? capacity : window + longestStep - 1;
  return ringSize < capacity ? { slots: ringSize, ring: true } : { slots: capacity, ring: false };
}

/** Cosines and sines of the rotary angles at each position, f32[B, T, D/2]. */
export function rotaryAngles(
  tracer: Tracer,
  step: Step,
  {
    frequencies,
    attentionScale,
  }: { readonly frequencies: readonly number[]; readonly attentionScale: number },
): { readonly cos: Node; readonly sin: Node } {
  const angles = (fn: "cos" | "sin") =>
    gather(trigTable(tracer.table, fn, step.cache.capacity, frequencies, attentionScale), step.positions);
  return tracer.scope("rotary_emb", () => ({ cos: angles("cos"), sin: angles("sin") }));
}
