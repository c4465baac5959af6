// Rows of a key-value cache as floats: read where they lie, or widened into scratch memory a few at a time.
import * as ids from "../src/ids";
import { widenHalves } from "./halves";
import { minOf } from "./step";

/** Bytes times their scale, as `dequantize` rounds the product. */
function widenBytes(to: usize, from: usize, n: usize, scale: f32): void {
  const by = f32x4.splat(scale);
  const whole = n & ~7;
  for (let i: usize = 0; i < whole; i += 8) {
    const halves = v128.load_ext<i8>(from + i);
    const low = f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(halves));
    const high = f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(halves));
    v128.store(to + (i << 2), f32x4.mul(low, by));
    v128.store(to + (i << 2), f32x4.mul(high, by), 16);
  }
  for (let i = whole; i < n; i++) store<f32>(to + (i << 2), <f32>load<i8>(from + i) * scale);
}

/**
 * Brings n rows to the inner caches: processors read ahead of who goes through memory in order, as sums over several rows
 * at a time do not. What is loaded is dropped, yet engines keep the loads, for they could trap. Rows that `floatRows`
 * widens are read in order anyway.
 */
export function readRows(cache: usize, dtype: u32, row: u32, n: u32, width: usize): void {
  if (dtype != ids.F32) return;
  const bytes = width << 2;
  const from = cache + <usize>row * bytes;
  for (let at = from; at < from + <usize>n * bytes; at += 64) load<u8>(at);
}

/**
 * The rows of slots `slot`, `slot` + 1, …, n in all, from slot 0 on again behind the last: where they lie as floats, one
 * behind the other. Unless they do so in the cache itself they are brought to `to`. `base` is the row of slot 0.
 */
export function floatRows(
  to: usize,
  cache: usize,
  scales: usize,
  dtype: u32,
  base: u32,
  slot: u32,
  n: u32,
  slots: u32,
  width: usize,
): usize {
  if (dtype == ids.F32 && slot + n <= slots) return cache + <usize>(base + slot) * (width << 2);
  let next = to;
  let first = slot;
  for (let left = n; left > 0; ) {
    const run = minOf(left, slots - first);
    const row = <usize>(base + first);
    const count = <usize>run * width;
    if (dtype == ids.F32) memory.copy(next, cache + ((row * width) << 2), count << 2);
    else if (dtype == ids.F16) widenHalves(next, cache + ((row * width) << 1), count);
    else
      for (let k: usize = 0; k < <usize>run; k++)
        widenBytes(next + ((k * width) << 2), cache + (row + k) * width, width, load<f32>(scales + ((row + k) << 2)));
    next += count << 2;
    left -= run;
    first = 0;
  }
  return to;
}
