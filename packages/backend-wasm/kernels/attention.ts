// Attention of one query over its run of keys, a piece of keys after the other: the softmax is that of the keys so far,
// and what was summed is scaled down when a larger score appears (Milakov and Gimelshein 2018, arXiv 1805.02867). Pieces
// begin at multiples of their size, whatever runs, chunks and threads are, so a row's bits depend on that row alone.
import * as ids from "../src/ids";
import { floatRows } from "./cache_rows";
import { exp1, exp4, multiplyAdd, splat, sumLanes, sumLanes4, tanh4 } from "./math";
import { largestOf } from "./sample";
import { minOf, number, operand, word } from "./step";

/** What is kept of a query while its run is read; its scores in a piece follow. */
const FROM: usize = 0;
const TO: usize = 4;
const LARGEST: usize = 8;
const TOTAL: usize = 12;
/** What the sums so far are multiplied by, since the last piece has a larger score. */
const SHRINK: usize = 16;
const RESULT: usize = 20;
const QUERY: usize = 24;
const SCORES: usize = 32;

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
  const piece = scratch + ids.ATTENTION_TILE * ids.ATTENTION_QUERY_BYTES;
  for (let unit = begin; unit < end; ) {
    const tile = minOf(minOf(end - unit, sharing - (unit % sharing)), ids.ATTENTION_TILE);
    const b = unit / sharing / keyHeads;
    const keyHead = (unit / sharing) % keyHeads;
    const wanted = load<i32>(rows + (<usize>b << 2));
    const row = wanted < 0 ? 0 : wanted < cacheRows ? wanted : cacheRows - 1;
    const base = (<u32>row * keyHeads + keyHead) * slots;
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
      store<usize>(at + RESULT, out + query * (valueWidth << 2));
      store<usize>(at + QUERY, queries + query * (width << 2));
      memory.fill(out + query * (valueWidth << 2), 0, valueWidth << 2);
      if (from > to) continue;
      first = min(first, from);
      last = max(last, to);
    }
    for (let at = first; at <= last; ) {
      const next = min((at | (ids.ATTENTION_PIECE - 1)) + 1, last + 1);
      const n = <u32>(next - at);
      const slot = <u32>at % slots;
      const k = floatRows(piece, keys, keyScales, dtype, base, slot, n, slots, width);
      for (let i: u32 = 0; i < tile; i++) {
        const q = scratch + <usize>i * ids.ATTENTION_QUERY_BYTES;
        const from = max(at, load<i32>(q + FROM));
        const count = min(next - 1, load<i32>(q + TO)) - from + 1;
        if (count <= 0) continue;
        score(q + SCORES, load<usize>(q + QUERY), k + <usize>(from - at) * (width << 2), count, width << 2, scale);
        weigh(q, count, softcap);
      }
      const v = floatRows(piece, values, valueScales, dtype, base, slot, n, slots, valueWidth);
      for (let i: u32 = 0; i < tile; i++) {
        const q = scratch + <usize>i * ids.ATTENTION_QUERY_BYTES;
        const from = max(at, load<i32>(q + FROM));
        const count = min(next - 1, load<i32>(q + TO)) - from + 1;
        if (count > 0) combine(q, v + <usize>(from - at) * (valueWidth << 2), count, valueWidth << 2);
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

/** scale · (q · k) for n keys. */
function score(out: usize, q: usize, keys: usize, n: u32, width: usize, scale: f32): void {
  const whole = width & ~15;
  let j: u32 = 0;
  for (; j + 4 <= n; j += 4) {
    const k0 = keys + <usize>j * width;
    const k1 = k0 + width;
    const k2 = k1 + width;
    const k3 = k2 + width;
    let a = splat(0);
    let b = a;
    let c = a;
    let d = a;
    for (let k: usize = 0; k < whole; k += 16) {
      const x = v128.load(q + k);
      a = multiplyAdd(x, v128.load(k0 + k), a);
      b = multiplyAdd(x, v128.load(k1 + k), b);
      c = multiplyAdd(x, v128.load(k2 + k), c);
      d = multiplyAdd(x, v128.load(k3 + k), d);
    }
    let dots = sumLanes4(a, b, c, d);
    for (let k = whole; k < width; k += 4) {
      const x = splat(load<f32>(q + k));
      const y = f32x4(load<f32>(k0 + k), load<f32>(k1 + k), load<f32>(k2 + k), load<f32>(k3 + k));
      dots = f32x4.add(dots, f32x4.mul(x, y));
    }
    v128.store(out + (<usize>j << 2), f32x4.mul(dots, splat(scale)));
  }
  for (; j < n; j++) {
    const key = keys + <usize>j * width;
    let a = splat(0);
    for (let k: usize = 0; k < whole; k += 16) a = multiplyAdd(v128.load(q + k), v128.load(key + k), a);
    let dot = sumLanes(a);
    for (let k = whole; k < width; k += 4) dot += load<f32>(q + k) * load<f32>(key + k);
    store<f32>(out + (<usize>j << 2), dot * scale);
  }
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
  // Whole vectors alone: what lies behind the last score becomes e^-inf.
  v128.store(scores + bytes, splat(-f32.POSITIVE_INFINITY));
  let total = splat(0);
  for (let k: usize = 0; k < bytes; k += 16) {
    const e = exp4(f32x4.sub(v128.load(scores + k), splat(shift)));
    v128.store(scores + k, e);
    total = f32x4.add(total, e);
  }
  const shrink = exp1(before - shift);
  store<f32>(q + LARGEST, largest);
  store<f32>(q + SHRINK, shrink);
  store<f32>(q + TOTAL, load<f32>(q + TOTAL) * shrink + sumLanes(total));
}

/** result · shrink + sum(weight · value) for each column of n rows of values. */
function combine(q: usize, values: usize, n: u32, width: usize): void {
  const weights = q + SCORES;
  const out = load<usize>(q + RESULT);
  const shrink = splat(load<f32>(q + SHRINK));
  let k: usize = 0;
  for (; k + 128 <= width; k += 128) {
    let a = f32x4.mul(shrink, v128.load(out + k));
    let b = f32x4.mul(shrink, v128.load(out + k, 16));
    let c = f32x4.mul(shrink, v128.load(out + k, 32));
    let d = f32x4.mul(shrink, v128.load(out + k, 48));
    let e = f32x4.mul(shrink, v128.load(out + k, 64));
    let f = f32x4.mul(shrink, v128.load(out + k, 80));
    let g = f32x4.mul(shrink, v128.load(out + k, 96));
    let h = f32x4.mul(shrink, v128.load(out + k, 112));
    let v = values + k;
    for (let j: u32 = 0; j < n; j++) {
      const w = v128.load32_splat(weights + (<usize>j << 2));
      a = multiplyAdd(w, v128.load(v), a);
      b = multiplyAdd(w, v128.load(v, 16), b);
      c = multiplyAdd(w, v128.load(v, 32), c);
      d = multiplyAdd(w, v128.load(v, 48), d);
      e = multiplyAdd(w, v128.load(v, 64), e);
      f = multiplyAdd(w, v128.load(v, 80), f);
      g = multiplyAdd(w, v128.load(v, 96), g);
      h = multiplyAdd(w, v128.load(v, 112), h);
      v += width;
    }
    v128.store(out + k, a);
    v128.store(out + k, b, 16);
    v128.store(out + k, c, 32);
    v128.store(out + k, d, 48);
    v128.store(out + k, e, 64);
    v128.store(out + k, f, 80);
    v128.store(out + k, g, 96);
    v128.store(out + k, h, 112);
  }
  for (; k < width; k += 16) {
    let a = f32x4.mul(shrink, v128.load(out + k));
    let v = values + k;
    for (let j: u32 = 0; j < n; j++) {
      // The last vector of a width that is no multiple of 4 reads into the next row, and keeps only its own lanes.
      a = multiplyAdd(v128.load32_splat(weights + (<usize>j << 2)), v128.load(v), a);
      v += width;
    }
    storeLanes(out, k, width, a);
  }
}

function divide(out: usize, total: f32, width: usize): void {
  for (let k: usize = 0; k < width; k += 16)
    storeLanes(out, k, width, f32x4.div(v128.load(out + k), splat(total)));
}

/** Stores the lanes at byte k of a row that lie in it. */
@inline function storeLanes(out: usize, k: usize, width: usize, x: v128): void {
  if (k + 16 <= width) {
    v128.store(out + k, x);
    return;
  }
  store<f32>(out + k, f32x4.extract_lane(x, 0));
  if (k + 4 < width) store<f32>(out + k, f32x4.extract_lane(x, 1), 4);
  if (k + 8 < width) store<f32>(out + k, f32x4.extract_lane(x, 2), 8);
}
