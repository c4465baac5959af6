// Products of quantized rows with a quantized weight, as `quantized_matmul` defines them. The weight lies in tiles of
// 16 rows, in which neighbours of a row lie together by 4: one vector is 4 rows by 4 elements, so that each lane of
// an integer product belongs to one row. A group's sum is exact, so SIMD of any kind gives the same bits.
import * as ids from "../src/ids";
import { dot4, dot4Rows } from "./dot4";
import { dot8, dot8Apart, dot8Rows } from "./dot8";
import { baseDot4, baseDot8 } from "./dot_base";
import { clear, copy, finish } from "./product";
import { minOf, operand, word } from "./step";

const ROWS: u32 = 16;

/** Rows of x that are multiplied together at most. */
const MOST_ROWS: u32 = 5;

/** How many of so many rows are multiplied together: five at best, but no rest should be of one. */
@inline function togetherOf(rows: usize): usize {
  if (rows <= <usize>MOST_ROWS) return rows;
  if (rows == 6) return 3;
  return rows < 9 ? 4 : MOST_ROWS;
}

/** Bytes of a tile's row that all of a few rows of x take before the next, if there are more: memory is read meanwhile. */
const STRIP: usize = 128;

/**
 * Words: out (2), x (2), scales of x (2), codes (2), scales (2), bias (2), residual (2), m, n, k, group, bits,
 * activation, whether there are a bias, a residual and a gate, rows of the weight, rows of x in a block. Units are 16
 * columns of out for a block of rows, all columns of a block before the next. Scratch: the rows of a block, their
 * starts, a tile of them, and two more.
 */
export function quantized(p: usize, begin: u32, end: u32, scratch: usize): void {
  const m = word(p, ids.HEADER + 14);
  const n = word(p, ids.HEADER + 15);
  const k = <usize>word(p, ids.HEADER + 16);
  const group = <usize>word(p, ids.HEADER + 17);
  const bits = word(p, ids.HEADER + 18);
  const gated = word(p, ids.HEADER + 22) != 0;
  const rows = <usize>word(p, ids.HEADER + 23);
  const block = word(p, ids.HEADER + 24);
  const x = operand(p, ids.HEADER + 2);
  const xScales = operand(p, ids.HEADER + 4);
  const codes = operand(p, ids.HEADER + 6);
  const scales = operand(p, ids.HEADER + 8);
  const starts = scratch + ((<usize>block * k) << 1);
  const first = starts + (((<usize>block * (k / group)) << 2) + 63 & ~63);
  const tiles = (n + ROWS - 1) / ROWS;
  for (let unit = begin; unit < end; ) {
    const row = (unit / tiles) * block;
    const count = minOf(block, m - row);
    const steps = xScales + ((<usize>row * (k / group)) << 2);
    const stop = minOf(end, (unit / tiles + 1) * tiles);
    prepare(bits, scratch, starts, x + <usize>row * k, count, k, group);
    // The tiles of the gate and those that it scales take turns by several, so that each are read on for a while.
    const most: u32 = gated && count > 1 ? ids.GATED_TILES : 1;
    const size = <usize>count << 6;
    const second = first + size * most;
    const spare = second + size * most;
    if (ASC_FEATURE_RELAXED_SIMD && count == 1 && bits == 8 && group <= <usize>ids.NARROW_SUMS) {
      // Tiles that lie apart: of the gate and what it scales, or of the two halves of what there is to do.
      const pairs = !gated ? (stop - unit) >> 1 : n % ROWS == 0 ? stop - unit : 0;
      const apart = gated ? tiles : pairs;
      for (const last = unit + pairs; unit < last; unit++) {
        const tile = <usize>(unit % tiles);
        const w = codes + tile * (k << 4);
        const at = tile * (k / group);
        const negated = codes + ((rows + 15) >> 4) * (k << 4) + (at << 5);
        dot8Apart(first, scratch, steps, w, negated, scales + (at << 6), apart, k, group);
        finishTile(p, first, gated ? first + 64 : 0, row, 1, <u32>tile << 4);
        if (!gated) finishTile(p, first + 64, 0, row, 1, (<u32>tile + apart) << 4);
      }
      if (!gated) unit += pairs;
    }
    while (unit < stop) {
      const some = <usize>minOf(most, stop - unit);
      const j = <usize>(unit % tiles) * ROWS;
      for (let t: usize = 0; t < some; t++)
        columnsOf(bits, first + t * size, spare, scratch, starts, steps, codes, scales, j + t * ROWS, count, k, group, rows);
      for (let t: usize = 0; gated && t < some; t++)
        columnsOf(bits, second + t * size, spare, scratch, starts, steps, codes, scales, <usize>n + j + t * ROWS, count, k, group, rows);
      for (let t: usize = 0; t < some; t++)
        finishTile(p, first + t * size, gated ? second + t * size : 0, row, count, <u32>(j + t * ROWS));
      unit += <u32>some;
    }
  }
}

/** Writes 16 columns from `j` on of rows from `row` on, with their epilogue. */
function finishTile(p: usize, from: usize, up: usize, row: u32, count: u32, j: u32): void {
  const n = word(p, ids.HEADER + 15);
  const columns = minOf(ROWS, n - j);
  const bias = word(p, ids.HEADER + 20) != 0 ? operand(p, ids.HEADER + 10) : 0;
  const residual = word(p, ids.HEADER + 21) != 0 ? operand(p, ids.HEADER + 12) : 0;
  const out = operand(p, ids.HEADER);
  for (let i: usize = 0; i < <usize>count; i++) {
    const at = ((<usize>row + i) * <usize>n + <usize>j) << 2;
    copy(out + at, from + (i << 6), columns);
    finish(
      out + at,
      up == 0 ? 0 : up + (i << 6),
      bias == 0 ? 0 : bias + (<usize>j << 2),
      bias == 0 ? 0 : bias + (<usize>(n + j) << 2),
      residual == 0 ? 0 : residual + at,
      word(p, ids.HEADER + 19),
      columns,
    );
  }
}

/** Writes rows of x as the products want them, and for 4 bits what -8 in every code comes to. */
function prepare(bits: u32, to: usize, starts: usize, x: usize, m: u32, k: usize, group: usize): void {
  if (bits == 4) {
    const ones = i16x8.splat(1);
    for (let q: usize = 0; q < <usize>m * k; q += group) {
      let sums = i32x4.splat(0);
      for (let s: usize = 0; s < group; s += 8)
        sums = i32x4.add(sums, i32x4.dot_i16x8_s(v128.load8x8_s(x + q + s), ones));
      sums = i32x4.add(sums, v128.shuffle<i32>(sums, sums, 2, 3, 0, 1));
      store<i32>(starts, -8 * (i32x4.extract_lane(sums, 0) + i32x4.extract_lane(sums, 1)));
      starts += 4;
    }
  }
  if (!ASC_FEATURE_RELAXED_SIMD) {
    for (let q: usize = 0; q < <usize>m * k; q += 8) v128.store(to + (q << 1), v128.load8x8_s(x + q));
    return;
  }
  const by = i8x16.splat(bits == 8 ? 64 : 0);
  for (let left = <usize>m; left > 0; ) {
    const rows = togetherOf(left);
    for (let r: usize = 0; r < rows; r++)
      for (let q: usize = 0; q < k; q += 4) {
        const at = to + q * rows + (r << 2);
        v128.store32_lane(at, i8x16.add(v128.load32_zero(x + r * k + q), by), 0);
      }
    x += rows * k;
    to += rows * k;
    left -= rows;
  }
}

/** 16 columns from row `row` of the weight on, for all rows of x; they may begin within a tile. */
function columnsOf(
  bits: u32, out: usize, spare: usize, x: usize, starts: usize, xScales: usize, codes: usize, scales: usize, row: usize,
  m: u32, k: usize, group: usize, rows: usize,
): void {
  const shift = row & 15;
  multiplyTile(bits, out, x, starts, xScales, codes, scales, row >> 4, m, k, group, rows);
  if (shift == 0) return;
  const last = (rows - 1) >> 4;
  const next = (row >> 4) + 1;
  if (next <= last) multiplyTile(bits, spare, x, starts, xScales, codes, scales, next, m, k, group, rows);
  for (let i: usize = 0; i < <usize>m; i++) {
    const to = out + (i << 6);
    memory.copy(to, to + (shift << 2), (16 - shift) << 2);
    if (next <= last) memory.copy(to + ((16 - shift) << 2), spare + (i << 6), shift << 2);
  }
}

function multiplyTile(
  bits: u32, out: usize, x: usize, starts: usize, xScales: usize, codes: usize, scales: usize, index: usize,
  m: u32, k: usize, group: usize, rows: usize,
): void {
  const groups = k / group;
  const next = groups << 2;
  // Behind the codes lie, for 8 bits, the negated sums of each group: of a tile 16 integers of 16 or 32 bits.
  const wide = group > <usize>ids.NARROW_SUMS;
  const sums: usize = wide ? 6 : 5;
  const strip = m <= MOST_ROWS || m > <u32>ids.FEW_ROWS ? groups : max(1, STRIP * 8 / bits / group);
  clear(out, <usize>m << 6);
  for (let g: usize = 0; g < groups; g += strip) {
    const q = g * group;
    const span = min(strip, groups - g) * group;
    const w = codes + index * (bits == 8 ? k << 4 : k << 3) + (bits == 8 ? q << 4 : q << 3);
    const negated = codes + ((rows + 15) >> 4) * (k << 4) + ((index * groups + g) << sums);
    const scale = scales + ((index * groups + g) << 6);
    let from = x;
    let to = out;
    let start = starts + (g << 2);
    let step = xScales + (g << 2);
    for (let left = <usize>m; left > 0; ) {
      const rows = ASC_FEATURE_RELAXED_SIMD ? togetherOf(left) : 1;
      const at = from + q * rows;
      if (!ASC_FEATURE_RELAXED_SIMD) {
        if (bits == 8) baseDot8(to, from + (q << 1), step, w, scale, span, group);
        else baseDot4(to, from + (q << 1), start, step, w, scale, span, group);
      } else if (bits == 4) {
        if (rows == 1) dot4(to, at, start, step, w, scale, span, group);
        else dot4Rows(rows, to, at, start, step, next, w, scale, span, group);
      } else if (rows == 1) {
        if (wide) dot8<i32>(to, at, step, w, negated, scale, span, group);
        else dot8<i16>(to, at, step, w, negated, scale, span, group);
      } else if (wide) dot8Rows<i32>(rows, to, at, step, next, w, negated, scale, span, group);
      else dot8Rows<i16>(rows, to, at, step, next, w, negated, scale, span, group);
      from += ASC_FEATURE_RELAXED_SIMD ? k * rows : k << 1;
      to += rows << 6;
      start += next * rows;
      step += next * rows;
      left -= rows;
    }
  }
}
