// Kernels that choose tokens: top_k, top_p, categorical, uniform. Units are rows.
import * as ids from "../src/ids";
import { exp1, exp16, exp4, splat } from "./math";
import { minOf, operand, word } from "./step";
import { keyOf, sortKeys } from "./sort";

const DIGITS: u32 = 2048;

/** The key of the k-th largest (from 1) of n floats, by three histograms of 11, 11 and 10 bits. */
function kthLargestKey(source: usize, n: u32, k: u32, counters: usize): u32 {
  let prefix: u32 = 0;
  let mask: u32 = 0;
  let wanted = k;
  for (let level = 0; level < 3; level++) {
    const shift: u32 = level == 0 ? 21 : level == 1 ? 10 : 0;
    const digits: u32 = level == 2 ? 1024 : DIGITS;
    memory.fill(counters, 0, <usize>digits << 2);
    for (let v: u32 = 0; v < n; v++) {
      const key = keyOf(load<f32>(source + (<usize>v << 2)));
      if ((key & mask) != prefix) continue;
      const counter = counters + (<usize>((key >> shift) & (digits - 1)) << 2);
      store<u32>(counter, load<u32>(counter) + 1);
    }
    let digit = digits - 1;
    for (; ; digit--) {
      const count = load<u32>(counters + (<usize>digit << 2));
      if (count >= wanted || digit == 0) break;
      wanted -= count;
    }
    prefix |= digit << shift;
    mask |= (digits - 1) << shift;
  }
  return prefix;
}

/** Words: out (2), scores (2), k (2), keep, vocabulary. Scratch: one histogram. */
export function topK(p: usize, begin: u32, end: u32, scratch: usize): void {
  const out = operand(p, ids.HEADER);
  const scores = operand(p, ids.HEADER + 2);
  const ks = operand(p, ids.HEADER + 4);
  const keep = word(p, ids.HEADER + 6);
  const n = word(p, ids.HEADER + 7);
  for (let b = begin; b < end; b++) {
    const from = scores + (<usize>(b * n) << 2);
    const to = out + (<usize>(b * n) << 2);
    const k = load<i32>(ks + (<usize>b << 2));
    const wanted = minOf(<u32>k > keep ? <u32>k : keep, n);
    const threshold: u32 = k <= 0 ? 0 : kthLargestKey(from, n, wanted, scratch);
    for (let v: usize = 0; v < <usize>n << 2; v += 4) {
      const x = load<f32>(from + v);
      store<f32>(to + v, keyOf(x) < threshold ? -f32.POSITIVE_INFINITY : x);
    }
  }
}

/** Words: out (2), scores (2), p (2), keep, vocabulary. Scratch: as `sortKeys`. */
export function topP(p: usize, begin: u32, end: u32, scratch: usize): void {
  const out = operand(p, ids.HEADER);
  const scores = operand(p, ids.HEADER + 2);
  const ps = operand(p, ids.HEADER + 4);
  const keep = word(p, ids.HEADER + 6);
  const n = word(p, ids.HEADER + 7);
  for (let b = begin; b < end; b++) {
    const from = scores + (<usize>(b * n) << 2);
    const to = out + (<usize>(b * n) << 2);
    memory.copy(to, from, <usize>n << 2);
    const share = load<f32>(ps + (<usize>b << 2));
    if (share >= 1) continue;
    // What is -inf already has no mass and nothing to lose, so only the others are sorted.
    let count: u32 = 0;
    for (let v: u32 = 0; v < n; v++) if (load<f32>(from + (<usize>v << 2)) != -f32.POSITIVE_INFINITY) count++;
    if (count == 0) continue;
    const bytes = <usize>count << 2;
    let place: usize = 0;
    for (let v: u32 = 0; v < n; v++) {
      const x = load<f32>(from + (<usize>v << 2));
      if (x == -f32.POSITIVE_INFINITY) continue;
      store<u32>(scratch + place, keyOf(x));
      store<u32>(scratch + bytes + place, v);
      place += 4;
    }
    const order = sortKeys(scratch, count) + bytes;
    const largest = load<f32>(from + (<usize>load<u32>(order + bytes - 4) << 2));
    let total: f64 = 0;
    for (let k: usize = 0; k < bytes; k += 4) {
      const e = exp1(load<f32>(from + (<usize>load<u32>(order + k) << 2)) - largest);
      // The keys are done with; their other array holds the masses.
      store<f32>(order - bytes + k, e);
      total += <f64>e;
    }
    let mass: f64 = 0;
    const rest: f64 = 1 - <f64>share;
    const most = count > keep ? <usize>(count - keep) << 2 : 0;
    for (let k: usize = 0; k < most; k += 4) {
      mass += <f64>load<f32>(order - bytes + k) / total;
      if (mass > rest) break;
      store<f32>(to + (<usize>load<u32>(order + k) << 2), -f32.POSITIVE_INFINITY);
    }
  }
}

/** NaN is passed over here, and comes back with the exponentials. */
export function largestOf(source: usize, n: u32): f32 {
  let lanes = splat(-f32.POSITIVE_INFINITY);
  let b = lanes;
  let c = lanes;
  let d = lanes;
  let k: u32 = 0;
  for (; k + 16 <= n; k += 16) {
    const at = source + (<usize>k << 2);
    lanes = f32x4.pmax(lanes, v128.load(at));
    b = f32x4.pmax(b, v128.load(at, 16));
    c = f32x4.pmax(c, v128.load(at, 32));
    d = f32x4.pmax(d, v128.load(at, 48));
  }
  lanes = f32x4.pmax(f32x4.pmax(lanes, b), f32x4.pmax(c, d));
  for (; k + 4 <= n; k += 4) lanes = f32x4.pmax(lanes, v128.load(source + (<usize>k << 2)));
  let largest = max(
    max(f32x4.extract_lane(lanes, 0), f32x4.extract_lane(lanes, 1)),
    max(f32x4.extract_lane(lanes, 2), f32x4.extract_lane(lanes, 3)),
  );
  for (; k < n; k++) largest = max(largest, load<f32>(source + (<usize>k << 2)));
  return largest;
}

/** exp(x - shift) of n floats; the last vector writes up to three floats past them. */
export function exponentials(out: usize, source: usize, n: u32, shift: f32): void {
  const by = splat(shift);
  const bytes = <usize>n << 2;
  let k: usize = 0;
  for (; k + 64 <= bytes; k += 64) exp16(out + k, source + k, by);
  for (; k < bytes; k += 16)
    v128.store(out + k, exp4(f32x4.sub(v128.load(source + k), by)));
}

/** Words: out (2), scores (2), u (2), vocabulary. Scratch: a row and a vector. */
export function categorical(p: usize, begin: u32, end: u32, scratch: usize): void {
  const out = operand(p, ids.HEADER);
  const scores = operand(p, ids.HEADER + 2);
  const us = operand(p, ids.HEADER + 4);
  const n = word(p, ids.HEADER + 6);
  const bytes = <usize>n << 2;
  for (let b = begin; b < end; b++) {
    const row = scores + <usize>b * bytes;
    exponentials(scratch, row, n, largestOf(row, n));
    let total: f64 = 0;
    for (let k: usize = 0; k < bytes; k += 4) total += <f64>load<f32>(scratch + k);
    const target = min(<f64>load<f32>(us + (<usize>b << 2)), 1 - 1.1920928955078125e-7) * total;
    let sum: f64 = 0;
    let chosen: u32 = 0;
    // The same sums once more, so that the last of them is the total and some id is always found.
    for (let v: u32 = 0; v < n; v++) {
      sum += <f64>load<f32>(scratch + (<usize>v << 2));
      if (sum > target) {
        chosen = v;
        break;
      }
    }
    store<u32>(out + (<usize>b << 2), chosen);
  }
}

function hash(x: u32): u32 {
  const state = x * 747796405 + 2891336453;
  const mixed = ((state >> ((state >> 28) + 4)) ^ state) * 277803737;
  return (mixed >> 22) ^ mixed;
}

/** Words: out (2), seeds (2), positions (2), stream. */
export function uniform(p: usize, begin: u32, end: u32): void {
  const out = operand(p, ids.HEADER);
  const seeds = operand(p, ids.HEADER + 2);
  const positions = operand(p, ids.HEADER + 4);
  const stream = word(p, ids.HEADER + 6);
  for (let i = <usize>begin << 2; i < <usize>end << 2; i += 4) {
    const bits = hash(hash(hash(load<u32>(seeds + i)) ^ load<u32>(positions + i)) ^ stream);
    store<f32>(out + i, <f32>(bits >> 8) * 5.9604644775390625e-8);
  }
}
