// The sums of attention over keys and values of one piece, for one query or for two neighbours that read the same: each
// vector then serves twice, and enough sums are under way. What a query's sums come to does not depend on it.
import * as ids from "../src/ids";
import { multiplyAdd, splat, sumLanes4 } from "./math";

/** What is kept of a query while its run is read; its scores in a piece follow. */
export const FROM: usize = 0;
export const TO: usize = 4;
export const LARGEST: usize = 8;
export const TOTAL: usize = 12;
/** What the sums so far are multiplied by, since the last piece has a larger score. */
export const SHRINK: usize = 16;
export const RESULT: usize = 20;
export const QUERY: usize = 24;
export const SCORES: usize = 32;

/** Key j of n; behind the last it is that again, for scores that nobody looks at. */
@inline function keyAt(keys: usize, j: u32, n: u32, width: usize): usize {
  return keys + <usize>min(j, n - 1) * width;
}

/** The scores of a query and its neighbour, as `score` has them, of n keys: whole fours, and whole vectors of width. */
export function scoreTwo(q: usize, keys: usize, n: u32, width: usize, scale: f32): void {
  const other = q + ids.ATTENTION_QUERY_BYTES;
  const x = load<usize>(q + QUERY);
  const hop = load<usize>(other + QUERY) - x;
  for (let j: usize = 0; j < <usize>n << 2; j += 16) {
    const k1 = keys + width;
    const k2 = k1 + width;
    const k3 = k2 + width;
    let a = splat(0);
    let b = a;
    let c = a;
    let d = a;
    let e = a;
    let f = a;
    let g = a;
    let h = a;
    for (let k: usize = 0; k < width; k += 16) {
      const y = v128.load(x + k);
      const z = v128.load(x + hop + k);
      let key = v128.load(keys + k);
      a = multiplyAdd(y, key, a);
      e = multiplyAdd(z, key, e);
      key = v128.load(k1 + k);
      b = multiplyAdd(y, key, b);
      f = multiplyAdd(z, key, f);
      key = v128.load(k2 + k);
      c = multiplyAdd(y, key, c);
      g = multiplyAdd(z, key, g);
      key = v128.load(k3 + k);
      d = multiplyAdd(y, key, d);
      h = multiplyAdd(z, key, h);
    }
    v128.store(q + SCORES + j, f32x4.mul(sumLanes4(a, b, c, d), splat(scale)));
    v128.store(other + SCORES + j, f32x4.mul(sumLanes4(e, f, g, h), splat(scale)));
    keys = k3 + width;
  }
}

/** Scores of four keys, as `score` has them, from what whole vectors come to; the rest of the width is from `k` on. */
@inline function finishFour(
  out: usize, a: v128, b: v128, c: v128, d: v128, q: usize, k0: usize, k1: usize, k2: usize, k3: usize, k: usize, width: usize, scale: f32,
): void {
  let dots = sumLanes4(a, b, c, d);
  for (; k < width; k += 4) {
    const y = f32x4(load<f32>(k0 + k), load<f32>(k1 + k), load<f32>(k2 + k), load<f32>(k3 + k));
    dots = f32x4.add(dots, f32x4.mul(splat(load<f32>(q + k)), y));
  }
  v128.store(out, f32x4.mul(dots, splat(scale)));
}

/** scale · (q · k) for n keys, up to a four; eight at a time, for fewer sums wait for themselves. */
export function score(out: usize, q: usize, keys: usize, n: u32, width: usize, scale: f32): void {
  const whole = width & ~15;
  let j: u32 = 0;
  for (; j + 8 <= n; j += 8) {
    const k0 = keys + <usize>j * width;
    const k1 = k0 + width;
    const k2 = k1 + width;
    const k3 = k2 + width;
    const k4 = k3 + width;
    const k5 = k4 + width;
    const k6 = k5 + width;
    const k7 = k6 + width;
    let a = splat(0);
    let b = a;
    let c = a;
    let d = a;
    let e = a;
    let f = a;
    let g = a;
    let h = a;
    for (let k: usize = 0; k < whole; k += 16) {
      const x = v128.load(q + k);
      a = multiplyAdd(x, v128.load(k0 + k), a);
      b = multiplyAdd(x, v128.load(k1 + k), b);
      c = multiplyAdd(x, v128.load(k2 + k), c);
      d = multiplyAdd(x, v128.load(k3 + k), d);
      // Never so: see panel_rows.ts.
      if (q + k == 0) break;
      e = multiplyAdd(x, v128.load(k4 + k), e);
      f = multiplyAdd(x, v128.load(k5 + k), f);
      g = multiplyAdd(x, v128.load(k6 + k), g);
      h = multiplyAdd(x, v128.load(k7 + k), h);
    }
    const at = out + (<usize>j << 2);
    finishFour(at, a, b, c, d, q, k0, k1, k2, k3, whole, width, scale);
    finishFour(at + 16, e, f, g, h, q, k4, k5, k6, k7, whole, width, scale);
  }
  for (; j < n; j += 4) {
    const k0 = keys + <usize>j * width;
    const k1 = keyAt(keys, j + 1, n, width);
    const k2 = keyAt(keys, j + 2, n, width);
    const k3 = keyAt(keys, j + 3, n, width);
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
    finishFour(out + (<usize>j << 2), a, b, c, d, q, k0, k1, k2, k3, whole, width, scale);
  }
}

/** As `combine`, for a query and its neighbour and n rows, 64 bytes of them at a time. */
export function combineTwo(q: usize, values: usize, n: u32, width: usize): void {
  const out = load<usize>(q + RESULT);
  const other = q + ids.ATTENTION_QUERY_BYTES;
  const hop = load<usize>(other + RESULT) - out;
  const shrink = splat(load<f32>(q + SHRINK));
  const shrink2 = splat(load<f32>(other + SHRINK));
  for (let k: usize = 0; k < width; k += 64) {
    const to = out + k;
    let a = f32x4.mul(shrink, v128.load(to));
    let b = f32x4.mul(shrink, v128.load(to, 16));
    let c = f32x4.mul(shrink, v128.load(to, 32));
    let d = f32x4.mul(shrink, v128.load(to, 48));
    let e = f32x4.mul(shrink2, v128.load(to + hop));
    let f = f32x4.mul(shrink2, v128.load(to + hop, 16));
    let g = f32x4.mul(shrink2, v128.load(to + hop, 32));
    let h = f32x4.mul(shrink2, v128.load(to + hop, 48));
    let v = values + k;
    const end = q + SCORES + (<usize>n << 2);
    for (let at = q + SCORES; at < end; at += 4) {
      const w = v128.load32_splat(at);
      const u = v128.load32_splat(at, ids.ATTENTION_QUERY_BYTES);
      let value = v128.load(v);
      a = multiplyAdd(w, value, a);
      e = multiplyAdd(u, value, e);
      value = v128.load(v, 16);
      b = multiplyAdd(w, value, b);
      f = multiplyAdd(u, value, f);
      value = v128.load(v, 32);
      c = multiplyAdd(w, value, c);
      g = multiplyAdd(u, value, g);
      value = v128.load(v, 48);
      d = multiplyAdd(w, value, d);
      h = multiplyAdd(u, value, h);
      v += width;
    }
    v128.store(to, a);
    v128.store(to, b, 16);
    v128.store(to, c, 32);
    v128.store(to, d, 48);
    v128.store(to + hop, e);
    v128.store(to + hop, f, 16);
    v128.store(to + hop, g, 32);
    v128.store(to + hop, h, 48);
  }
}

/**
 * result · shrink + sum(weight · value) for each column of rows `first` to n of values; those before are in the result
 * with their shrink.
 */
export function combine(q: usize, values: usize, first: u32, n: u32, width: usize): void {
  const weights = q + SCORES;
  const out = load<usize>(q + RESULT);
  const shrink = splat(first == 0 ? load<f32>(q + SHRINK) : 1);
  values += <usize>first * width;
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
    for (let j = first; j < n; j++) {
      const w = v128.load32_splat(weights + (<usize>j << 2));
      a = multiplyAdd(w, v128.load(v), a);
      b = multiplyAdd(w, v128.load(v, 16), b);
      c = multiplyAdd(w, v128.load(v, 32), c);
      d = multiplyAdd(w, v128.load(v, 48), d);
      if (v == 0) break;
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
    for (let j = first; j < n; j++) {
      // The last vector of a width that is no multiple of 4 reads into the next row, and keeps only its own lanes.
      a = multiplyAdd(v128.load32_splat(weights + (<usize>j << 2)), v128.load(v), a);
      v += width;
    }
    storeLanes(out, k, width, a);
  }
}

/** Divides a result by the sum of its weights. */
export function divide(out: usize, total: f32, width: usize): void {
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
