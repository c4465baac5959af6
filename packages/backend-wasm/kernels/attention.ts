// Attention of one query over its run of keys. The scores of a run fit the scratch memory, so their largest is known
// before the first exponential, and every sum runs over keys in index order from the start of the run.
import * as ids from "../src/ids";
import { exp4, multiplyAdd, splat, sumLanes, sumLanes4, tanh4 } from "./math";
import { largestOf } from "./sample";
import { minOf, number, operand, word } from "./step";

/**
 * Words: out (2), q (2), keys (2), values (2), rows (2), lo (2), hi (2), cache rows, heads, key heads, queries, slots,
 * width of keys, width of values, scale, softcap, whether key j is in slot j mod slots. Units are batch, key head, query, and head of the group, so that
 * neighbours read the same keys. Scratch: the scores and a vector.
 */
export function attention(p: usize, begin: u32, end: u32, scratch: usize): void {
  const out = operand(p, ids.HEADER);
  const queries = operand(p, ids.HEADER + 2);
  const keys = operand(p, ids.HEADER + 4);
  const values = operand(p, ids.HEADER + 6);
  const rows = operand(p, ids.HEADER + 8);
  const lows = operand(p, ids.HEADER + 10);
  const highs = operand(p, ids.HEADER + 12);
  const cacheRows = <i32>word(p, ids.HEADER + 14);
  const heads = word(p, ids.HEADER + 15);
  const keyHeads = word(p, ids.HEADER + 16);
  const length = word(p, ids.HEADER + 17);
  const slots = <i32>word(p, ids.HEADER + 18);
  const width = <usize>word(p, ids.HEADER + 19) << 2;
  const valueWidth = <usize>word(p, ids.HEADER + 20) << 2;
  const scale = number(p, ids.HEADER + 21);
  const softcap = number(p, ids.HEADER + 22);
  const ring = word(p, ids.HEADER + 23) != 0;
  const group = heads / keyHeads;
  for (let unit = begin; unit < end; unit++) {
    const t = (unit / group) % length;
    const keyHead = (unit / (group * length)) % keyHeads;
    const b = unit / (heads * length);
    const head = keyHead * group + (unit % group);
    const query = <usize>((b * heads + head) * length + t);
    const low = load<i32>(lows + (<usize>(b * length + t) << 2));
    const high = load<i32>(highs + (<usize>(b * length + t) << 2));
    const to = ring || high < slots - 1 ? high : slots - 1;
    // A ring holds the latest keys; what a longer run would begin with is gone.
    const oldest = ring ? max(low, to - slots + 1) : low;
    const from = oldest > 0 ? oldest : 0;
    const result = out + query * valueWidth;
    if (from > to) {
      memory.fill(result, 0, valueWidth);
      continue;
    }
    const wanted = load<i32>(rows + (<usize>b << 2));
    const row = wanted < 0 ? 0 : wanted < cacheRows ? wanted : cacheRows - 1;
    const base = <usize>((<u32>row * keyHeads + keyHead) * <u32>slots);
    const slot = <u32>from % <u32>slots;
    const n = <u32>(to - from) + 1;
    // Keys up to the last slot, then from slot 0 on.
    const run = minOf(n, <u32>slots - slot);
    const q = queries + query * width;
    score(scratch, q, keys + (base + slot) * width, run, width, scale);
    if (run < n) score(scratch + (<usize>run << 2), q, keys + base * width, n - run, width, scale);
    const total = weigh(scratch, n, softcap);
    combine(result, scratch, values + base * valueWidth, slot, run, n, valueWidth, total);
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

/** Turns n scores into exp(score - largest) and gives their sum. */
function weigh(scores: usize, n: u32, softcap: f32): f32 {
  const bytes = <usize>n << 2;
  if (softcap > 0) {
    for (let k: usize = 0; k < bytes; k += 16)
      v128.store(scores + k, f32x4.mul(splat(softcap), tanh4(f32x4.div(v128.load(scores + k), splat(softcap)))));
  }
  const largest = splat(largestOf(scores, n));
  // Whole vectors alone: what lies behind the last score becomes e^-inf.
  v128.store(scores + bytes, splat(-f32.POSITIVE_INFINITY));
  let total = splat(0);
  for (let k: usize = 0; k < bytes; k += 16) {
    const e = exp4(f32x4.sub(v128.load(scores + k), largest));
    v128.store(scores + k, e);
    total = f32x4.add(total, e);
  }
  return sumLanes(total);
}

/** sum(weight · value) / total for each column of the values: `run` rows from `slot` on, then from row 0 up to n in all. */
function combine(out: usize, weights: usize, base: usize, slot: u32, run: u32, n: u32, width: usize, total: f32): void {
  const by = splat(total);
  const first = base + <usize>slot * width;
  let k: usize = 0;
  for (; k + 128 <= width; k += 128) {
    let a = splat(0);
    let b = a;
    let c = a;
    let d = a;
    let e = a;
    let f = a;
    let g = a;
    let h = a;
    let v = first + k;
    let stop = run;
    for (let j: u32 = 0; j < n; v = base + k, stop = n) {
      for (; j < stop; j++) {
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
    }
    v128.store(out + k, f32x4.div(a, by));
    v128.store(out + k, f32x4.div(b, by), 16);
    v128.store(out + k, f32x4.div(c, by), 32);
    v128.store(out + k, f32x4.div(d, by), 48);
    v128.store(out + k, f32x4.div(e, by), 64);
    v128.store(out + k, f32x4.div(f, by), 80);
    v128.store(out + k, f32x4.div(g, by), 96);
    v128.store(out + k, f32x4.div(h, by), 112);
  }
  for (; k < width; k += 16) {
    const whole = k + 16 <= width;
    let a = splat(0);
    let v = first + k;
    let stop = run;
    for (let j: u32 = 0; j < n; v = base + k, stop = n) {
      for (; j < stop; j++) {
        // The last vector of a width that is no multiple of 4 reads into the next row, and keeps only its own lanes.
        a = multiplyAdd(v128.load32_splat(weights + (<usize>j << 2)), v128.load(v), a);
        v += width;
      }
    }
    a = f32x4.div(a, by);
    if (whole) v128.store(out + k, a);
    else {
      store<f32>(out + k, f32x4.extract_lane(a, 0));
      if (k + 4 < width) store<f32>(out + k, f32x4.extract_lane(a, 1), 4);
      if (k + 8 < width) store<f32>(out + k, f32x4.extract_lane(a, 2), 8);
    }
  }
}
