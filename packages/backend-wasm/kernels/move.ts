// Kernels that move elements: strided copies (transpose, broadcast, slice, concat, copy), gather, cache_write.
import * as ids from "../src/ids";
import { minOf, operand, word } from "./step";

/**
 * Words: out (2), source (2), bytes an element, axes; for each axis its size and the strides of source and out, in
 * bytes. Units are the indices of all axes but the last.
 */
export function copy(p: usize, begin: u32, end: u32): void {
  const out = operand(p, ids.HEADER);
  const source = operand(p, ids.HEADER + 2);
  const bytes = word(p, ids.HEADER + 4);
  const axes = word(p, ids.HEADER + 5);
  const table = p + ((ids.HEADER + 6) << 2);
  const last = table + <usize>(axes - 1) * 12;
  const n = word(last, 0);
  const from = word(last, 1);
  const to = word(last, 2);
  for (let unit = begin; unit < end; unit++) {
    let read = source;
    let write = out;
    let rest = unit;
    for (let axis = axes - 1; axis > 0; axis--) {
      const at = table + <usize>(axis - 1) * 12;
      const index = rest % word(at, 0);
      rest /= word(at, 0);
      read += <usize>(index * word(at, 1));
      write += <usize>(index * word(at, 2));
    }
    if (from == bytes && to == bytes) memory.copy(write, read, <usize>(n * bytes));
    else if (bytes == 4) {
      for (let k: u32 = 0; k < n; k++) store<u32>(write + <usize>(k * to), load<u32>(read + <usize>(k * from)));
    } else if (bytes == 2) {
      for (let k: u32 = 0; k < n; k++) store<u16>(write + <usize>(k * to), load<u16>(read + <usize>(k * from)));
    } else {
      for (let k: u32 = 0; k < n; k++) store<u8>(write + <usize>(k * to), load<u8>(read + <usize>(k * from)));
    }
  }
}

/** Words: out (2), source (2), index (2), indices a batch, entries, bytes an entry, whether bf16 is widened to f32. Units are indices. */
export function gather(p: usize, begin: u32, end: u32): void {
  const out = operand(p, ids.HEADER);
  const source = operand(p, ids.HEADER + 2);
  const index = operand(p, ids.HEADER + 4);
  const perBatch = word(p, ids.HEADER + 6);
  const entries = word(p, ids.HEADER + 7);
  const bytes = <usize>word(p, ids.HEADER + 8);
  const widen = word(p, ids.HEADER + 9) != 0;
  for (let i = begin; i < end; i++) {
    const wanted = load<i32>(index + (<usize>i << 2));
    const k = wanted < 0 ? 0 : minOf(<u32>wanted, entries - 1);
    const read = source + <usize>((i / perBatch) * entries + k) * bytes;
    if (widen) widenBf16(out + <usize>i * bytes * 2, read, <u32>(bytes >> 1));
    else memory.copy(out + <usize>i * bytes, read, bytes);
  }
}

function widenBf16(out: usize, source: usize, n: u32): void {
  let k: u32 = 0;
  for (; k + 4 <= n; k += 4)
    v128.store(out + (<usize>k << 2), i32x4.shl(v128.load16x4_u(source + (<usize>k << 1)), 16));
  for (; k < n; k++) store<u32>(out + (<usize>k << 2), load<u16>(source + (<usize>k << 1)) << 16);
}

/**
 * Words: cache (2), rows (2), at (2), count (2), values (2), batch, cache rows, parts a row, entries a part, slots,
 * bytes an entry, whether slots go round. Units are parts of batch rows.
 */
export function cacheWrite(p: usize, begin: u32, end: u32): void {
  const cache = operand(p, ids.HEADER);
  const rows = operand(p, ids.HEADER + 2);
  const starts = operand(p, ids.HEADER + 4);
  const counts = operand(p, ids.HEADER + 6);
  const values = operand(p, ids.HEADER + 8);
  const cacheRows = <i32>word(p, ids.HEADER + 11);
  const parts = word(p, ids.HEADER + 12);
  const entries = <i32>word(p, ids.HEADER + 13);
  const slots = <i32>word(p, ids.HEADER + 14);
  const bytes = <usize>word(p, ids.HEADER + 15);
  const ring = word(p, ids.HEADER + 16) != 0;
  for (let unit = begin; unit < end; unit++) {
    const b = unit / parts;
    const row = load<i32>(rows + (<usize>b << 2));
    if (row < 0 || row >= cacheRows) continue;
    const at = load<i32>(starts + (<usize>b << 2));
    const count = load<i32>(counts + (<usize>b << 2));
    const wanted = count < entries ? count : entries;
    // In i64, since a start near the end of i32 must not wrap back into the cache.
    const first = at < 0 ? -<i64>at : 0;
    const room = ring ? <i64>entries : <i64>slots - <i64>at;
    const last = <i64>wanted < room ? <i64>wanted : room;
    const from = values + <usize>unit * <usize>entries * bytes;
    const to = cache + (<usize>row * <usize>parts + <usize>(unit % parts)) * <usize>slots * bytes;
    for (let t = first; t < last; ) {
      const slot = (<i64>at + t) % <i64>slots;
      const run = last - t < <i64>slots - slot ? last - t : <i64>slots - slot;
      memory.copy(to + <usize>slot * bytes, from + <usize>t * bytes, <usize>run * bytes);
      t += run;
    }
  }
}

/** Words: out (2), ids (2), lengths (2), ids a row, size. Units are rows. */
export function occurs(p: usize, begin: u32, end: u32): void {
  const out = operand(p, ids.HEADER);
  const tokens = operand(p, ids.HEADER + 2);
  const lengths = operand(p, ids.HEADER + 4);
  const n = <i32>word(p, ids.HEADER + 6);
  const size = word(p, ids.HEADER + 7);
  for (let b = begin; b < end; b++) {
    const row = out + <usize>b * <usize>size;
    memory.fill(row, 0, <usize>size);
    const length = load<i32>(lengths + (<usize>b << 2));
    const used = length < n ? length : n;
    for (let j: i32 = 0; j < used; j++) {
      const id = load<u32>(tokens + (<usize>(b * n + j) << 2));
      if (id < size) store<u8>(row + <usize>id, 1);
    }
  }
}
