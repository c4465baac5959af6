// Products with weights that lie in panels: 2 rows of the weight together, 8 elements of each after the other, so that
// 8 elements of a panel of f32 fill a cache line. Every output is one vector that adds up fours of elements and then its
// lanes, in an order that is the same for any number of rows.
//
// Up to five rows of x are multiplied at once: the weight is read once, in the order in which it lies in memory, while
// all sums stay in registers, so that the processor reads ahead. One or two rows have too few sums for that and take
// several panels, from places far apart: each is a stream of its own, where neighbours would begin anew every few pages.
// More than five rows go by groups: a few of them over a tile each, which the first brings to the cache; many over a panel.
//
// Tiles of `PANEL_TILE` rows are cut into blocks of `PANEL_BLOCK` elements, panel behind panel: a block of a few rows of
// x stays in the inner cache while the panels of a tile pass, and half of that cache may be all there is.
import * as ids from "../src/ids";
import { widenHalves } from "./halves";
import { sumLanes4 } from "./math";
import { finitePanels } from "./panel_halves";
import { eight, four, groupOf, manyRows, oneRow, rowsTogether, twoRows } from "./panel_rows";
import { clear, finish } from "./product";
import { minOf, operand, word } from "./step";

/** Columns of out that make a unit: 8 panels. */
const COLUMNS: u32 = 16;

/** Where `panel` has elements from q on, in a block that begins with `block` and has `length` of them. */
@inline function place(dtype: u32, weight: usize, panel: usize, block: usize, length: usize, q: usize, k: usize): usize {
  const bytes: usize = dtype == ids.F32 ? 8 : 4;
  const tile: usize = ids.PANEL_TILE >> 1;
  return weight + ((panel / tile) * (k * tile) + block * tile + (panel % tile) * length + (q - block)) * bytes;
}

/** One row of the weight as f32. */
export function panelRow(dtype: u32, out: usize, weight: usize, row: usize, k: usize): void {
  for (let block: usize = 0; block < k; block += ids.PANEL_BLOCK) {
    const length = min(<usize>ids.PANEL_BLOCK, k - block);
    for (let q = block; q < block + length; q += 8) {
      const from = place(dtype, weight, row >> 1, block, length, q, k);
      const at = out + (q << 2);
      if (dtype == ids.F32) memory.copy(at, from + (row & 1) * eight<f32>(), 32);
      else if (dtype == ids.F16) widenHalves(at, from + (row & 1) * eight<u16>(), 8);
      else {
        v128.store(at, four<u16>(false, from + (row & 1) * eight<u16>()));
        v128.store(at, four<u16>(true, from + (row & 1) * eight<u16>()), 16);
      }
    }
  }
}

/** What the sums of a row by pairs of panels come to, `stride` bytes from pair to pair. */
function join(out: usize, sums: usize, stride: usize, panels: usize): void {
  for (let p: usize = 0; p < panels; p += 2) {
    const next = sums + stride;
    v128.store(out, sumLanes4(v128.load(sums), v128.load(sums, 16), v128.load(next), v128.load(next, 16)));
    out += 16;
    sums = next + stride;
  }
}

/** A block of f16 of a panel as f32. */
@inline function widened(wide: usize, w: usize, k: usize): usize {
  widenHalves(wide, w, k << 1);
  return wide;
}

/** Adds one row of x by a block of four panels to its sums, where panels are of f16. */
function oneRowOfHalves(sums: usize, apart: usize, x: usize, w0: usize, w1: usize, w2: usize, w3: usize, k: usize, wide: usize): void {
  const row = k << 3;
  if (!finitePanels(sums, apart, x, w0, w1, w2, w3, k))
    oneRow<f32>(
      sums,
      apart,
      x,
      widened(wide, w0, k),
      widened(wide + row, w1, k),
      widened(wide + 2 * row, w2, k),
      widened(wide + 3 * row, w3, k),
      k,
    );
}

/** Adds one or two rows of x by a block of all panels to their sums: a quarter or half of the panels is a stream. */
function multiplyFew(
  dtype: u32, sums: usize, x: usize, weight: usize, wide: usize, first: usize, m: usize, panels: usize, block: usize, length: usize, k: usize,
): void {
  const size = m << 5;
  const last = first + panels - 1;
  if (m == 1) {
    const run = (panels + 3) >> 2;
    for (let p: usize = 0; p < run; p++) {
      // Behind the last panel it is read again, for sums that nobody looks at.
      const w0 = place(dtype, weight, min(first + p, last), block, length, block, k);
      const w1 = place(dtype, weight, min(first + run + p, last), block, length, block, k);
      const w2 = place(dtype, weight, min(first + 2 * run + p, last), block, length, block, k);
      const w3 = place(dtype, weight, min(first + 3 * run + p, last), block, length, block, k);
      const to = sums + p * size;
      if (dtype == ids.BF16) oneRow<u16>(to, run * size, x, w0, w1, w2, w3, length);
      else if (dtype == ids.F32) oneRow<f32>(to, run * size, x, w0, w1, w2, w3, length);
      else oneRowOfHalves(to, run * size, x, w0, w1, w2, w3, length, wide);
    }
    return;
  }
  const run = (panels + 1) >> 1;
  for (let p: usize = 0; p < run; p++) {
    const w0 = place(dtype, weight, first + p, block, length, block, k);
    const w1 = place(dtype, weight, min(first + run + p, last), block, length, block, k);
    const to = sums + p * size;
    if (dtype == ids.BF16) twoRows<u16>(to, run * size, x, k << 2, w0, w1, w0, w1, length);
    else if (dtype == ids.F32) twoRows<f32>(to, run * size, x, k << 2, w0, w1, w0, w1, length);
    else {
      const v0 = widened(wide, w0, length);
      const v1 = widened(wide + (length << 3), w1, length);
      twoRows<f32>(to, run * size, x, k << 2, v0, v1, v0, v1, length);
    }
  }
}

/**
 * Adds three to five rows of x by a block of all panels to their sums, `stride` bytes from panel to panel; what is done
 * anew for each panel counts here.
 */
function multiplyGroup(
  dtype: u32, sums: usize, stride: usize, x: usize, weight: usize, wide: usize, first: usize, m: usize, panels: usize, block: usize, length: usize, k: usize,
): void {
  const tile: usize = ids.PANEL_TILE >> 1;
  let w: usize = 0;
  for (let panel = first; panel < first + panels; panel++) {
    if (panel == first || panel % tile == 0) w = place(dtype, weight, panel, block, length, block, k);
    if (dtype == ids.BF16) rowsTogether<u16>(sums, x, w, m, length);
    else rowsTogether<f32>(sums, x, dtype == ids.F32 ? w : widened(wide, w, length), m, length);
    w += dtype == ids.F32 ? length << 3 : length << 2;
    sums += stride;
  }
}

/** Adds three rows or more. */
function multiplyMany(
  dtype: u32, sums: usize, packed: usize, weight: usize, wide: usize, first: usize, m: usize, panels: usize, block: usize, length: usize, k: usize,
): void {
  const stride = m << 5;
  if (m <= 5 || (m <= <usize>ids.FEW_ROWS && dtype != ids.F16)) {
    for (let left = m; left > 0; ) {
      const group = groupOf(left);
      multiplyGroup(dtype, sums, stride, packed + group * (block << 2), weight, wide, first, group, panels, block, length, k);
      packed += group * (k << 2);
      sums += group << 5;
      left -= group;
    }
    return;
  }
  // All rows before the next panel, which is widened once.
  for (let panel = first; panel < first + panels; panel++) {
    const w = place(dtype, weight, panel, block, length, block, k);
    if (dtype == ids.BF16) manyRows<u16>(sums, packed, k << 2, block, w, m, length);
    else manyRows<f32>(sums, packed, k << 2, block, dtype == ids.F32 ? w : widened(wide, w, length), m, length);
    sums += stride;
  }
}

/**
 * Rows of out, `stride` bytes each, from panel `first` on: `columns` of them, rounded up to pairs of panels. `sums` has
 * room for 16 bytes a row and column, up to whole tiles, `wide` for a block of four panels of f32.
 */
function multiply(
  dtype: u32, out: usize, stride: usize, sums: usize, x: usize, packed: usize, weight: usize, wide: usize, first: usize, m: u32, columns: u32, k: usize,
): void {
  const rows = <usize>m;
  const panels = (<usize>columns + 1) >> 1;
  clear(sums, rows * (stride << 2));
  for (let block: usize = 0; block < k; block += ids.PANEL_BLOCK) {
    const length = min(<usize>ids.PANEL_BLOCK, k - block);
    if (m < 3) multiplyFew(dtype, sums, x + (block << 2), weight, wide, first, rows, panels, block, length, k);
    else multiplyMany(dtype, sums, packed, weight, wide, first, rows, panels, block, length, k);
  }
  for (let i: usize = 0; i < rows; i++) join(out + i * stride, sums + (i << 5), rows << 5, panels);
}

/** Lays rows of x together by the groups that are multiplied at once, 4 elements of each after the other. */
function pack(to: usize, x: usize, m: u32, k: usize): void {
  if (m < 3) return;
  const row = k << 2;
  for (let left: usize = m; left > 0; ) {
    const group = groupOf(left);
    for (let i: usize = 0; i < group; i++) {
      let at = to + (i << 4);
      for (const end = x + row; x < end; x += 16) {
        v128.store(at, v128.load(x));
        at += group << 4;
      }
    }
    to += group * row;
    left -= group;
  }
}

/**
 * Words: out (2), x (2), weight (2), bias (2), residual (2), m, n, k, activation, whether there are a bias, a residual
 * and a gate, dtype of the weight, rows of x in a block, units that are best taken together. Units are 16 columns of out
 * for a block of rows, all columns of a block before the next. Scratch: the rows of a block, their columns of such units,
 * those of the gate, sums of these columns and a block of four panels of f32.
 */
export function panels(p: usize, begin: u32, end: u32, scratch: usize): void {
  const m = word(p, ids.HEADER + 10);
  const n = word(p, ids.HEADER + 11);
  const k = <usize>word(p, ids.HEADER + 12);
  const activation = word(p, ids.HEADER + 13);
  const gated = word(p, ids.HEADER + 16) != 0;
  const dtype = word(p, ids.HEADER + 17);
  const block = word(p, ids.HEADER + 18);
  const out = operand(p, ids.HEADER);
  const x = operand(p, ids.HEADER + 2);
  const w = operand(p, ids.HEADER + 4);
  const bias = word(p, ids.HEADER + 14) != 0 ? operand(p, ids.HEADER + 6) : 0;
  const residual = word(p, ids.HEADER + 15) != 0 ? operand(p, ids.HEADER + 8) : 0;
  const most = word(p, ids.HEADER + 19);
  const area = <usize>(block * most);
  const first = scratch + <usize>block * (k << 2);
  const second = first + (area << 6);
  const sums = second + (area << 6);
  const wide = sums + (area << 8);
  const tiles = (n + COLUMNS - 1) / COLUMNS;
  for (let unit = begin; unit < end; ) {
    const top = (unit / tiles) * block;
    const count = minOf(block, m - top);
    const rows = x + <usize>top * (k << 2);
    const stop = minOf(end, (unit / tiles + 1) * tiles);
    pack(scratch, rows, count, k);
    while (unit < stop) {
      const units = minOf(most - (unit % tiles) % most, stop - unit);
      const stride = <usize>(units * COLUMNS) << 2;
      const j = (unit % tiles) * COLUMNS;
      const columns = minOf(units * COLUMNS, n - j);
      multiply(dtype, first, stride, sums, rows, scratch, w, wide, j >> 1, count, columns, k);
      if (gated) multiply(dtype, second, stride, sums, rows, scratch, w, wide, (n + j) >> 1, count, columns, k);
      for (let i: usize = 0; i < <usize>count; i++) {
        const at = ((<usize>top + i) * <usize>n + <usize>j) << 2;
        memory.copy(out + at, first + i * stride, <usize>columns << 2);
        finish(
          out + at,
          gated ? second + i * stride : 0,
          bias == 0 ? 0 : bias + (<usize>j << 2),
          bias == 0 ? 0 : bias + (<usize>(n + j) << 2),
          residual == 0 ? 0 : residual + at,
          activation,
          columns,
        );
      }
      unit += units;
    }
  }
}
