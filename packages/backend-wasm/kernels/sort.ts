// Stable order of floats or integers by keys of 32 bits, least significant digit first.
import * as ids from "../src/ids";
import { operand, word } from "./step";

const DIGITS: u32 = 2048;
/** Bytes of scratch beside the four arrays of n words. */
const COUNTERS: usize = (<usize>DIGITS) << 2;

/** A key that orders floats upwards as unsigned integers; both zeros are equal, NaN comes last. */
@inline export function keyOf(x: f32): u32 {
  if (x != x) return 0xffffffff;
  const bits = reinterpret<u32>(x == 0 ? <f32>0 : x);
  return bits ^ (<u32>(<i32>bits >> 31) | 0x80000000);
}

/**
 * Sorts n keys, whose ids are at `scratch + 4n`, and gives the address of the sorted keys with their ids behind them;
 * the arrays are at `scratch` and `scratch + 8n`, the counters at `scratch + 16n`.
 */
export function sortKeys(scratch: usize, n: u32): usize {
  const bytes = <usize>n << 2;
  const counters = scratch + 4 * bytes;
  let from = scratch;
  let to = scratch + 2 * bytes;
  for (let shift: u32 = 0; shift < 33; shift += 11) {
    memory.fill(counters, 0, COUNTERS);
    for (let k: usize = 0; k < bytes; k += 4) {
      const counter = counters + (<usize>((load<u32>(from + k) >> shift) & (DIGITS - 1)) << 2);
      store<u32>(counter, load<u32>(counter) + 1);
    }
    let before: u32 = 0;
    for (let digit: usize = 0; digit < COUNTERS; digit += 4) {
      const count = load<u32>(counters + digit);
      store<u32>(counters + digit, before);
      before += count;
    }
    for (let k: usize = 0; k < bytes; k += 4) {
      const key = load<u32>(from + k);
      const counter = counters + (<usize>((key >> shift) & (DIGITS - 1)) << 2);
      const place = load<u32>(counter);
      store<u32>(counter, place + 1);
      store<u32>(to + (<usize>place << 2), key);
      store<u32>(to + bytes + (<usize>place << 2), load<u32>(from + bytes + k));
    }
    const swap = from;
    from = to;
    to = swap;
  }
  return from;
}

/** Words: out (2), source (2), whether integers, whether descending, n. Units are lines; scratch 16n bytes and counters. */
export function argsort(p: usize, begin: u32, end: u32, scratch: usize): void {
  const out = operand(p, ids.HEADER);
  const source = operand(p, ids.HEADER + 2);
  const isInteger = word(p, ids.HEADER + 4) != 0;
  const flip: u32 = word(p, ids.HEADER + 5) != 0 ? 0xffffffff : 0;
  const n = word(p, ids.HEADER + 6);
  const bytes = <usize>n << 2;
  for (let line = begin; line < end; line++) {
    const from = source + <usize>line * bytes;
    for (let k: u32 = 0; k < n; k++) {
      const at = <usize>k << 2;
      const key = isInteger ? load<u32>(from + at) ^ 0x80000000 : keyOf(load<f32>(from + at));
      store<u32>(scratch + at, key ^ flip);
      store<u32>(scratch + bytes + at, k);
    }
    memory.copy(out + <usize>line * bytes, sortKeys(scratch, n) + bytes, bytes);
  }
}
