// Products with weights that lie in panels: 4 rows of the weight together, 8 elements of each after the other. Of every 8
// elements of a row the first four are added up in one vector, the last four in another; at the end the two are added
// and then the lanes, as `sumLanes` does: an order that is the same for any number of rows.
//
// Tiles of four panels are cut into blocks of `PANEL_BLOCK` elements, so that a block of a few rows of x stays in the
// inner cache while four panels pass. Of a panel's block those rows take strips in turn, and the weight is read as a
// single stream that goes on while they all multiply what was read last. Processors read ahead where one instruction
// reads at equal steps, so strips must follow each other in memory: with jumps between them this took twice as long.
import * as ids from "../src/ids";
import { widenHalves } from "./halves";
import { sumLanes4 } from "./math";
import { finitePanel } from "./panel_halves";
import { multiplyPanel } from "./panel_rows";
import { clear, finish } from "./product";
import { minOf, operand, word } from "./step";

/** Columns of out that make a unit: four panels. */
const COLUMNS: u32 = 16;

/** More rows than this take a block at once: each weight is multiplied so often that reading it hardly counts. */
const MANY: u32 = 16;

/** Elements that all of a few rows multiply before the next: of f32, 2 KB of a panel. */
const STRIP: u32 = 128;

/** Where `panel` has elements from q on, in a block that begins with `block` and has `length` of them. */
@inline function place(dtype: u32, weight: usize, panel: usize, block: usize, length: usize, q: usize, k: usize): usize {
  const bytes: usize = dtype == ids.F32 ? 16 : 8;
  return weight + ((panel >> 2) * (k << 2) + (block << 2) + (panel & 3) * length + (q - block)) * bytes;
}

/** One row of the weight as f32. */
export function panelRow(dtype: u32, out: usize, weight: usize, row: usize, k: usize): void {
  for (let block: usize = 0; block < k; block += ids.PANEL_BLOCK) {
    const length = min(<usize>ids.PANEL_BLOCK, k - block);
    for (let q = block; q < block + length; q += 8) {
      const from = place(dtype, weight, row >> 2, block, length, q, k);
      const at = out + (q << 2);
      if (dtype == ids.F32) memory.copy(at, from + ((row & 3) << 5), 32);
      else if (dtype == ids.F16) widenHalves(at, from + ((row & 3) << 4), 8);
      else {
        const words = v128.load(from + ((row & 3) << 4));
        v128.store(at, i32x4.shl(words, 16));
        v128.store(at, i32x4.shl(i32x4.shr_u(words, 16), 16), 16);
      }
    }
  }
}

/** What the sums of m rows by one panel come to, 64 bytes apart. */
function join(out: usize, sums: usize, m: usize): void {
  for (const end = out + (m << 6); out < end; out += 64) {
    v128.store(
      out,
      sumLanes4(
        f32x4.add(v128.load(sums), v128.load(sums, 64)),
        f32x4.add(v128.load(sums, 16), v128.load(sums, 80)),
        f32x4.add(v128.load(sums, 32), v128.load(sums, 96)),
        f32x4.add(v128.load(sums, 48), v128.load(sums, 112)),
      ),
    );
    sums += 128;
  }
}

/**
 * Rows of out, 64 bytes each, from panel `first` on: `columns` of them, rounded up to whole panels. `sums` has room for
 * 512 bytes a row, `wide` for a block of a panel of f32.
 */
function multiply(
  dtype: u32, out: usize, sums: usize, x: usize, packed: usize, weight: usize, wide: usize, first: usize, m: u32, columns: u32, k: usize,
): void {
  const rows = <usize>m;
  const stop = first + (<usize>columns + 3) / 4;
  const strip = <usize>(m == 1 || m > MANY ? ids.PANEL_BLOCK : STRIP);
  clear(sums, (stop - first) * (rows << 7));
  for (let block: usize = 0; block < k; block += ids.PANEL_BLOCK) {
    const length = min(<usize>ids.PANEL_BLOCK, k - block);
    let to = sums;
    for (let panel = first; panel < stop; panel++) {
      for (let q = block; q < block + length; q += strip) {
        const part = min(strip, block + length - q);
        const w = place(dtype, weight, panel, block, length, q, k);
        const from = x + (q << 2);
        const fours = packed + (q << 4);
        if (dtype == ids.BF16) multiplyPanel<u16>(to, from, fours, k << 2, w, rows, part);
        else if (dtype == ids.F32) multiplyPanel<f32>(to, from, fours, k << 2, w, rows, part);
        else if (m > 1 || !finitePanel(to, from, w, part)) {
          widenHalves(wide, w, part << 2);
          multiplyPanel<f32>(to, from, fours, k << 2, wide, rows, part);
        }
      }
      to += rows << 7;
    }
  }
  for (let panel = first; panel < stop; panel++) {
    join(out, sums, rows);
    out += 16;
    sums += rows << 7;
  }
}

/** Lays rows of x together by fours, 4 elements of each after the other. */
function pack(to: usize, x: usize, m: u32, k: usize): void {
  const row = k << 2;
  for (let i: u32 = 0; i + 4 <= m; i += 4) {
    for (let q: usize = 0; q < row; q += 16) {
      v128.store(to, v128.load(x + q));
      v128.store(to, v128.load(x + row + q), 16);
      v128.store(to, v128.load(x + 2 * row + q), 32);
      v128.store(to, v128.load(x + 3 * row + q), 48);
      to += 64;
    }
    x += row << 2;
  }
}

/**
 * Words: out (2), x (2), weight (2), bias (2), residual (2), m, n, k, activation, whether there are a bias, a residual
 * and a gate, dtype of the weight, rows of x in a block. Units are 16 columns of out for a block of rows, all columns of
 * a block before the next. Scratch: the rows of a block, its 16 columns, those of the gate, sums of 16 columns and a
 * panel.
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
  const first = scratch + <usize>block * (k << 2);
  const second = first + (<usize>block << 6);
  const sums = second + (<usize>block << 6);
  const wide = sums + (<usize>block << 9);
  const tiles = (n + COLUMNS - 1) / COLUMNS;
  for (let unit = begin; unit < end; ) {
    const top = (unit / tiles) * block;
    const count = minOf(block, m - top);
    const rows = x + <usize>top * (k << 2);
    const stop = minOf(end, (unit / tiles + 1) * tiles);
    pack(scratch, rows, count, k);
    for (; unit < stop; unit++) {
      const j = (unit % tiles) * COLUMNS;
      const columns = minOf(COLUMNS, n - j);
      multiply(dtype, first, sums, rows, scratch, w, wide, j >> 2, count, columns, k);
      if (gated) multiply(dtype, second, sums, rows, scratch, w, wide, (n + j) >> 2, count, columns, k);
      for (let i: usize = 0; i < <usize>count; i++) {
        const at = ((<usize>top + i) * <usize>n + <usize>j) << 2;
        memory.copy(out + at, first + (i << 6), <usize>columns << 2);
        finish(
          out + at,
          gated ? second + (i << 6) : 0,
          bias == 0 ? 0 : bias + (<usize>j << 2),
          bias == 0 ? 0 : bias + (<usize>(n + j) << 2),
          residual == 0 ? 0 : residual + at,
          activation,
          columns,
        );
      }
    }
  }
}
