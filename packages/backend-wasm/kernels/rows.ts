// Kernels over rows of activations: softmax, rms_norm, rotary.
import * as ids from "../src/ids";
import { splat, sumLanes } from "./math";
import { exponentials, largestOf } from "./sample";
import { number, operand, word } from "./step";

/** Words: out (2), x (2), n. Units are lines. Scratch: a line and a vector. */
export function softmax(p: usize, begin: u32, end: u32, scratch: usize): void {
  const out = operand(p, ids.HEADER);
  const source = operand(p, ids.HEADER + 2);
  const n = word(p, ids.HEADER + 4);
  const bytes = <usize>n << 2;
  for (let line = begin; line < end; line++) {
    const from = source + <usize>line * bytes;
    const to = out + <usize>line * bytes;
    exponentials(scratch, from, n, largestOf(from, n));
    const total = <f32>sumInDoubles(scratch, n);
    let k: usize = 0;
    for (; k + 16 <= bytes; k += 16) v128.store(to + k, f32x4.div(v128.load(scratch + k), splat(total)));
    for (; k < bytes; k += 4) store<f32>(to + k, load<f32>(scratch + k) / total);
  }
}

/** The sum of n floats, in doubles: two sums of the first two of every four, two of the others. */
function sumInDoubles(at: usize, n: u32): f64 {
  let low = f64x2.splat(0);
  let high = low;
  let k: usize = 0;
  const bytes = <usize>n << 2;
  for (; k + 16 <= bytes; k += 16) {
    const x = v128.load(at + k);
    low = f64x2.add(low, f64x2.promote_low_f32x4(x));
    high = f64x2.add(high, f64x2.promote_low_f32x4(v128.shuffle<i32>(x, x, 2, 3, 2, 3)));
  }
  const both = f64x2.add(low, high);
  let sum = f64x2.extract_lane(both, 0) + f64x2.extract_lane(both, 1);
  for (; k < bytes; k += 4) sum += <f64>load<f32>(at + k);
  return sum;
}

/** Words: out (2), x (2), weight (2), n, eps. Units are lines. */
export function rmsNorm(p: usize, begin: u32, end: u32): void {
  const out = operand(p, ids.HEADER);
  const source = operand(p, ids.HEADER + 2);
  const weight = operand(p, ids.HEADER + 4);
  const n = word(p, ids.HEADER + 6);
  const eps = <f64>number(p, ids.HEADER + 7);
  const bytes = <usize>n << 2;
  const whole = bytes & ~15;
  const wide = bytes & ~63;
  for (let line = begin; line < end; line++) {
    const from = source + <usize>line * bytes;
    const to = out + <usize>line * bytes;
    let a = splat(0);
    let b = a;
    let c = a;
    let d = a;
    let k: usize = 0;
    for (; k < wide; k += 64) {
      const x = v128.load(from + k);
      const y = v128.load(from + k, 16);
      const z = v128.load(from + k, 32);
      const w = v128.load(from + k, 48);
      a = f32x4.add(a, f32x4.mul(x, x));
      b = f32x4.add(b, f32x4.mul(y, y));
      c = f32x4.add(c, f32x4.mul(z, z));
      d = f32x4.add(d, f32x4.mul(w, w));
    }
    for (; k < whole; k += 16) {
      const x = v128.load(from + k);
      a = f32x4.add(a, f32x4.mul(x, x));
    }
    let squares = <f64>sumLanes(f32x4.add(f32x4.add(a, b), f32x4.add(c, d)));
    for (; k < bytes; k += 4) squares += <f64>load<f32>(from + k) * <f64>load<f32>(from + k);
    const scale = <f32>(1 / Math.sqrt(squares / <f64>n + eps));
    const by = splat(scale);
    for (k = 0; k < whole; k += 16)
      v128.store(to + k, f32x4.mul(f32x4.mul(v128.load(from + k), by), v128.load(weight + k)));
    for (; k < bytes; k += 4) store<f32>(to + k, load<f32>(from + k) * scale * load<f32>(weight + k));
  }
}

/** Words: out (2), x (2), weight (2), bias (2), n, eps. Units are lines. Sums run in f64 in index order. */
export function layerNorm(p: usize, begin: u32, end: u32): void {
  const out = operand(p, ids.HEADER);
  const source = operand(p, ids.HEADER + 2);
  const weight = operand(p, ids.HEADER + 4);
  const bias = operand(p, ids.HEADER + 6);
  const n = word(p, ids.HEADER + 8);
  const eps = <f64>number(p, ids.HEADER + 9);
  const bytes = <usize>n << 2;
  for (let line = begin; line < end; line++) {
    const from = source + <usize>line * bytes;
    const to = out + <usize>line * bytes;
    let sum: f64 = 0;
    for (let k: usize = 0; k < bytes; k += 4) sum += <f64>load<f32>(from + k);
    const mean = sum / <f64>n;
    let squares: f64 = 0;
    for (let k: usize = 0; k < bytes; k += 4) {
      const x = <f64>load<f32>(from + k) - mean;
      squares += x * x;
    }
    const scale = 1 / Math.sqrt(squares / <f64>n + eps);
    for (let k: usize = 0; k < bytes; k += 4) {
      const x = (<f64>load<f32>(from + k) - mean) * scale;
      store<f32>(to + k, <f32>(x * <f64>load<f32>(weight + k) + <f64>load<f32>(bias + k)));
    }
  }
}

/** Words: out (2), x (2), cos (2), sin (2), heads, length, half of the width. Units are heads of tokens. */
export function rotary(p: usize, begin: u32, end: u32): void {
  const out = operand(p, ids.HEADER);
  const source = operand(p, ids.HEADER + 2);
  const cosines = operand(p, ids.HEADER + 4);
  const sines = operand(p, ids.HEADER + 6);
  const heads = word(p, ids.HEADER + 8);
  const length = word(p, ids.HEADER + 9);
  const half = <usize>word(p, ids.HEADER + 10) << 2;
  const whole = half & ~15;
  for (let unit = begin; unit < end; unit++) {
    const token = (unit / (heads * length)) * length + (unit % length);
    const cos = cosines + <usize>token * half;
    const sin = sines + <usize>token * half;
    const from = source + <usize>unit * half * 2;
    const to = out + <usize>unit * half * 2;
    let k: usize = 0;
    for (; k < whole; k += 16) {
      const low = v128.load(from + k);
      const high = v128.load(from + half + k);
      const c = v128.load(cos + k);
      const s = v128.load(sin + k);
      v128.store(to + k, f32x4.sub(f32x4.mul(low, c), f32x4.mul(high, s)));
      v128.store(to + half + k, f32x4.add(f32x4.mul(high, c), f32x4.mul(low, s)));
    }
    for (; k < half; k += 4) {
      const low = load<f32>(from + k);
      const high = load<f32>(from + half + k);
      const c = load<f32>(cos + k);
      const s = load<f32>(sin + k);
      store<f32>(to + k, low * c - high * s);
      store<f32>(to + half + k, high * c + low * s);
    }
  }
}
