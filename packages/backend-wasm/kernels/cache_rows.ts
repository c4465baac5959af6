// Rows of a key-value cache as floats: read where they lie, or widened into scratch memory a few at a time.
import * as ids from "../src/ids";
import { fromF16 } from "./cast";
import { minOf } from "./step";

/** What a half keeps after its shift, the factor 2^112, and twice the magnitude and the exponent of ones of halves. */
const HALVES = memory.data<u32>([0x8fffffff, 0x77800000, 0x7fff7fff, 0x7c007c00]);

/**
 * Binary16 words as floats. Sign, exponent and fraction go where f32 has them, and the product moves the exponent from
 * one bias to the other, denormals included. Only exponents of all ones, which are rare, need another way.
 */
function widenHalves(to: usize, from: usize, n: usize): void {
  // From memory: literals would be made anew in each round.
  const kept = v128.load32_splat(HALVES);
  const factor = v128.load32_splat(HALVES, 4);
  const magnitude = v128.load32_splat(HALVES, 8);
  const ones = v128.load32_splat(HALVES, 12);
  let i: usize = 0;
  for (; i + 8 <= n; i += 8) {
    const words = v128.load(from + (i << 1));
    if (v128.any_true(i16x8.ge_s(v128.and(words, magnitude), ones))) {
      for (let k = i; k < i + 8; k++) store<f32>(to + (k << 2), fromF16(load<u16>(from + (k << 1))));
      continue;
    }
    const low = v128.and(i32x4.shl(i32x4.extend_low_i16x8_s(words), 13), kept);
    const high = v128.and(i32x4.shl(i32x4.extend_high_i16x8_s(words), 13), kept);
    v128.store(to + (i << 2), f32x4.mul(low, factor));
    v128.store(to + (i << 2), f32x4.mul(high, factor), 16);
  }
  for (; i < n; i++) store<f32>(to + (i << 2), fromF16(load<u16>(from + (i << 1))));
}

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
