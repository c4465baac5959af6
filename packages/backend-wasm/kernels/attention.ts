// Attention of one query over its run of keys, a piece of keys after the other: the softmax is that of the keys so far,
// and what was summed is scaled down when a larger score appears (Milakov and Gimelshein 2018, arXiv 1805.02867). Pieces
// begin at multiples of their size, whatever runs, chunks and threads are, so a row's bits depend on that row alone.
import * as ids from "../src/ids";
import {
  combine,
  combineTwo,
  divide,
  FROM,
  LARGEST,
  QUERY,
  RESULT,
  SCORES,
  SHRINK,
  score,
  scoreTwo,
  TO,
  TOTAL,
} from "./attention_sums";
import { floatRows, readRows } from "./cache_rows";
import { exp1, exp16, splat, sumLanes, tanh4 } from "./math";
import { largestOf } from "./sample";
import { minOf, number, operand, word } from "./step";

/** Keys that are brought to the inner caches at once, with their values; a power of 2. */
const AHEAD = 2 * ids.ATTENTION_PIECE;

/**
 * Words: out (2), q (2), keys (2), values (2), rows (2), lo (2), hi (2), scales of keys (2) and of values (2), cache
 * rows, heads, key heads, queries, slots, width of keys, width of values, scale, softcap, whether key j is in slot
 * j mod slots, dtype of keys and values. Units are batch, key head, query, and head of the group, so that neighbours
 * read the same keys: up to a tile of them go through the pieces together. Scratch: what is kept of each query of the
 * tile, and a piece of keys or values.
 */
export function attention(p: usize, begin: u32, end: u32, scratch: usize): void {
  const out = operand(p, ids.HEADER);
  const queries = operand(p, ids.HEADER + 2);
  const keys = operand(p, ids.HEADER + 4);
  const values = operand(p, ids.HEADER + 6);
  const rows = operand(p, ids.HEADER + 8);
  const lows = operand(p, ids.HEADER + 10);
  const highs = operand(p, ids.HEADER + 12);
  const keyScales = operand(p, ids.HEADER + 14);
  const valueScales = operand(p, ids.HEADER + 16);
  const cacheRows = <i32>word(p, ids.HEADER + 18);
  const heads = word(p, ids.HEADER + 19);
  const keyHeads = word(p, ids.HEADER + 20);
  const length = word(p, ids.HEADER + 21);
  const slots = word(p, ids.HEADER + 22);
  const width = <usize>word(p, ids.HEADER + 23);
  const valueWidth = <usize>word(p, ids.HEADER + 24);
  const scale = number(p, ids.HEADER + 25);
  const softcap = number(p, ids.HEADER + 26);
  const ring = word(p, ids.HEADER + 27) != 0;
  const dtype = word(p, ids.HEADER + 28);
  const group = heads / keyHeads;
  const sharing = group * length;
  const paired = length > 1;
  const piece = scratch + ids.ATTENTION_TILE * ids.ATTENTION_QUERY_BYTES;
  for (let unit = begin; unit < end; ) {
    const tile = minOf(minOf(end - unit, sharing - (unit % sharing)), ids.ATTENTION_TILE);
    const b = unit / sharing / keyHeads;
    const keyHead = (unit / sharing) % keyHeads;
    const wanted = load<i32>(rows + (<usize>b << 2));
    const row = wanted < 0 ? 0 : wanted < cacheRows ? wanted : cacheRows - 1;
    const base = (<u32>row * keyHeads + keyHead) * slots;
    // Only the first queries that read these keys find them far away: in each thread, if they are few.
    const fresh = unit % sharing == 0 || (unit == begin && unit % sharing < 2 * ids.ATTENTION_TILE);
    let first = i32.MAX_VALUE;
    let last: i32 = -1;
    for (let k: u32 = 0; k < tile; k++) {
      const t = ((unit + k) % sharing) / group;
      const query = <usize>((b * heads + keyHead * group + ((unit + k) % group)) * length + t);
      const at = scratch + <usize>k * ids.ATTENTION_QUERY_BYTES;
      const low = load<i32>(lows + (<usize>(b * length + t) << 2));
      const high = load<i32>(highs + (<usize>(b * length + t) << 2));
      const to = ring || high < <i32>slots ? high : <i32>slots - 1;
      // A ring holds the latest keys; what a longer run would begin with is gone.
      const oldest = ring ? max(low, to - <i32>slots + 1) : low;
      const from = max(oldest, 0);
      store<i32>(at + FROM, from);
      store<i32>(at + TO, to);
      store<f32>(at + LARGEST, -f32.POSITIVE_INFINITY);
      store<f32>(at + TOTAL, 0);
      const result = out + query * (valueWidth << 2);
      store<usize>(at + RESULT, result);
      for (let k: usize = 0; k < valueWidth << 2; k += 4) store<f32>(result + k, 0);
      store<usize>(at + QUERY, queries + query * (width << 2));
      if (from > to) continue;
      first = min(first, from);
      last = max(last, to);
    }
    for (let at = first; at <= last; ) {
      const next = min((at | (ids.ATTENTION_PIECE - 1)) + 1, last + 1);
      const n = <u32>(next - at);
      const slot = <u32>at % slots;
      if (fresh && (at == first || (at & (AHEAD - 1)) == 0)) {
        const some = minOf(<u32>(min((at | (AHEAD - 1)) + 1, last + 1) - at), slots - slot);
        readRows(keys, dtype, base + slot, some, width);
        readRows(values, dtype, base + slot, some, valueWidth);
      }
      const k = floatRows(piece, keys, keyScales, dtype, base, slot, n, slots, width);
      // Two neighbours take the keys together that both see; there are others only where their runs end. The few queries
      // of one row wait for memory rather than for sums, and are faster one by one.
      let together: u32 = 0;
      for (let i: u32 = 0; i < tile; i++) {
        const q = scratch + <usize>i * ids.ATTENTION_QUERY_BYTES;
        const count = countOf(q, at, next);
        const from = k + <usize>(firstOf(q, at) - at) * (width << 2);
        if ((i & 1) == 0) together = paired && i + 1 < tile && (width & 3) == 0 ? sharedBy(q, at, next) & ~3 : 0;
        if ((i & 1) == 0 && together > 0) scoreTwo(q, from, together, width << 2, scale);
        if (count == 0) continue;
        const rest = from + <usize>together * (width << 2);
        score(q + SCORES + (<usize>together << 2), load<usize>(q + QUERY), rest, count - together, width << 2, scale);
        weigh(q, count, softcap);
      }
      const v = floatRows(piece, values, valueScales, dtype, base, slot, n, slots, valueWidth);
      for (let i: u32 = 0; i < tile; i++) {
        const q = scratch + <usize>i * ids.ATTENTION_QUERY_BYTES;
        const count = countOf(q, at, next);
        const from = v + <usize>(firstOf(q, at) - at) * (valueWidth << 2);
        if ((i & 1) == 0) together = paired && i + 1 < tile && (valueWidth & 15) == 0 ? sharedBy(q, at, next) : 0;
        if ((i & 1) == 0 && together > 0) combineTwo(q, from, together, valueWidth << 2);
        if (count > together) combine(q, from, together, count, valueWidth << 2);
      }
      at = next;
    }
    for (let i: u32 = 0; i < tile; i++) {
      const q = scratch + <usize>i * ids.ATTENTION_QUERY_BYTES;
      if (load<i32>(q + FROM) <= load<i32>(q + TO))
        divide(load<usize>(q + RESULT), load<f32>(q + TOTAL), valueWidth << 2);
    }
    unit += tile;
  }
}

/** The first key of a query's run from key `at` on. */
@inline function firstOf(q: usize, at: i32): i32 {
  return max(at, load<i32>(q + FROM));
}

/** How many keys of a query's run lie from key `at` to before `next`. */
@inline function countOf(q: usize, at: i32, next: i32): u32 {
  return <u32>max(0, min(next - 1, load<i32>(q + TO)) - firstOf(q, at) + 1);
}

/** How many keys there a query has in common with its neighbour, which begins with the same. */
@inline function sharedBy(q: usize, at: i32, next: i32): u32 {
  const other = q + ids.ATTENTION_QUERY_BYTES;
  return firstOf(q, at) == firstOf(other, at) ? minOf(countOf(q, at, next), countOf(other, at, next)) : 0;
}

/** Turns the n scores of a piece into exp(score - largest so far), and brings the total up to date. */
function weigh(q: usize, n: u32, softcap: f32): void {
  const scores = q + SCORES;
  const bytes = <usize>n << 2;
  if (softcap > 0) {
    for (let k: usize = 0; k < bytes; k += 16)
      v128.store(scores + k, f32x4.mul(splat(softcap), tanh4(f32x4.div(v128.load(scores + k), splat(softcap)))));
  }
  const before = load<f32>(q + LARGEST);
  const largest = max(before, largestOf(scores, n));
  // Scores of -inf alone weigh nothing.
  const shift: f32 = largest == -f32.POSITIVE_INFINITY ? 0 : largest;
  // Sixteen at a time alone: what lies behind the last score becomes e^-inf.
  for (let k = bytes; k < ((bytes + 63) & ~63); k += 16) v128.store(scores + k, splat(-f32.POSITIVE_INFINITY));
  let total = splat(0);
  for (let k: usize = 0; k < bytes; k += 64) {
    exp16(scores + k, scores + k, splat(shift));
    const low = f32x4.add(v128.load(scores + k), v128.load(scores + k, 16));
    total = f32x4.add(total, f32x4.add(low, f32x4.add(v128.load(scores + k, 32), v128.load(scores + k, 48))));
  }
  // Before the first piece there is nothing to scale down.
  const shrink: f32 = before == largest || before == -f32.POSITIVE_INFINITY ? 1 : exp1(before - shift);
  store<f32>(q + LARGEST, largest);
  store<f32>(q + SHRINK, shrink);
  store<f32>(q + TOTAL, load<f32>(q + TOTAL) * shrink + sumLanes(total));
}
