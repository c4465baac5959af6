// Products with weights that lie in panels: 4 rows of the weight together, 8 elements of each after the other, so that
// one row of x reads a weight as a single stream. A panel of f16 is widened in registers for one row, and into scratch memory,
// once for all of them, for several. Of every 8 elements of a row the first four are added up in one
// vector, the last four in another; at the end the two are added and then the lanes, as `sumLanes` does. That order is
// the same for any number of rows.
//
// V8 puts all loads of a block before its arithmetic, so a loop keeps its sums in registers only if they and everything
// that one turn loads fit 15 of them: hence several rows take the first and the last four in loops of their own.
import * as ids from "../src/ids";
import { widenHalves } from "./halves";
import { multiplyAdd, splat, sumLanes4 } from "./math";
import { finitePanel } from "./panel_halves";
import { finish } from "./product";
import { minOf, operand, word } from "./step";

/** Columns of out that make a unit: four panels. */
const COLUMNS: u32 = 16;

/** Bytes that 8 elements of one row take. A word of bf16 holds elements k (its lower half) and k + 4. */
@inline function eight<T>(): usize {
  return sizeof<T>() << 3;
}

@inline function firstFour<T>(at: usize): v128 {
  return sizeof<T>() == 4 ? v128.load(at) : i32x4.shl(v128.load(at), 16);
}

@inline function lastFour<T>(at: usize): v128 {
  return sizeof<T>() == 4 ? v128.load(at, 16) : upperHalves(v128.load(at));
}

@inline function upperHalves(words: v128): v128 {
  return i32x4.shl(i32x4.shr_u(words, 16), 16);
}

/** out[4] = one row of x by a panel of bf16. */
function narrowPanel(out: usize, x: usize, w: usize, k: usize): void {
  let a = splat(0);
  let b = a;
  let c = a;
  let d = a;
  let e = a;
  let f = a;
  let g = a;
  let h = a;
  for (const end = x + (k << 2); x < end; x += 32) {
    const y = v128.load(x);
    const z = v128.load(x, 16);
    const w0 = v128.load(w);
    const w1 = v128.load(w, 16);
    const w2 = v128.load(w, 32);
    const w3 = v128.load(w, 48);
    a = multiplyAdd(y, i32x4.shl(w0, 16), a);
    e = multiplyAdd(z, upperHalves(w0), e);
    b = multiplyAdd(y, i32x4.shl(w1, 16), b);
    f = multiplyAdd(z, upperHalves(w1), f);
    c = multiplyAdd(y, i32x4.shl(w2, 16), c);
    g = multiplyAdd(z, upperHalves(w2), g);
    d = multiplyAdd(y, i32x4.shl(w3, 16), d);
    h = multiplyAdd(z, upperHalves(w3), h);
    w += 64;
  }
  v128.store(out, sumLanes4(f32x4.add(a, e), f32x4.add(b, f), f32x4.add(c, g), f32x4.add(d, h)));
}

/** out[4] = one row of x by a panel of f32. */
function widePanel(out: usize, x: usize, w: usize, k: usize): void {
  let a = splat(0);
  let b = a;
  let c = a;
  let d = a;
  let from = w;
  for (let q = x; q < x + (k << 2); q += 32) {
    const y = v128.load(q);
    a = multiplyAdd(y, v128.load(from), a);
    b = multiplyAdd(y, v128.load(from, 32), b);
    c = multiplyAdd(y, v128.load(from, 64), c);
    d = multiplyAdd(y, v128.load(from, 96), d);
    from += 128;
  }
  let e = splat(0);
  let f = e;
  let g = e;
  let h = e;
  from = w + 16;
  for (let q = x + 16; q < x + (k << 2); q += 32) {
    const y = v128.load(q);
    e = multiplyAdd(y, v128.load(from), e);
    f = multiplyAdd(y, v128.load(from, 32), f);
    g = multiplyAdd(y, v128.load(from, 64), g);
    h = multiplyAdd(y, v128.load(from, 96), h);
    from += 128;
  }
  v128.store(out, sumLanes4(f32x4.add(a, e), f32x4.add(b, f), f32x4.add(c, g), f32x4.add(d, h)));
}

/** Four rows of x, which lie together by 4 elements, by two rows of a panel; results 64 bytes apart. */
@inline function fourByTwo<T>(out: usize, x: usize, w: usize, k: usize): void {
  const end = x + (k << 4);
  let a0 = splat(0);
  let a1 = a0;
  let a2 = a0;
  let a3 = a0;
  let b0 = a0;
  let b1 = a0;
  let b2 = a0;
  let b3 = a0;
  let from = w;
  for (let q = x; q < end; q += 128) {
    const u = firstFour<T>(from);
    const v = firstFour<T>(from + eight<T>());
    let y = v128.load(q);
    a0 = multiplyAdd(y, u, a0);
    b0 = multiplyAdd(y, v, b0);
    y = v128.load(q, 16);
    a1 = multiplyAdd(y, u, a1);
    b1 = multiplyAdd(y, v, b1);
    y = v128.load(q, 32);
    a2 = multiplyAdd(y, u, a2);
    b2 = multiplyAdd(y, v, b2);
    y = v128.load(q, 48);
    a3 = multiplyAdd(y, u, a3);
    b3 = multiplyAdd(y, v, b3);
    from += eight<T>() << 2;
  }
  let c0 = splat(0);
  let c1 = c0;
  let c2 = c0;
  let c3 = c0;
  let d0 = c0;
  let d1 = c0;
  let d2 = c0;
  let d3 = c0;
  from = w;
  for (let q = x + 64; q < end; q += 128) {
    const u = lastFour<T>(from);
    const v = lastFour<T>(from + eight<T>());
    let y = v128.load(q);
    c0 = multiplyAdd(y, u, c0);
    d0 = multiplyAdd(y, v, d0);
    y = v128.load(q, 16);
    c1 = multiplyAdd(y, u, c1);
    d1 = multiplyAdd(y, v, d1);
    y = v128.load(q, 32);
    c2 = multiplyAdd(y, u, c2);
    d2 = multiplyAdd(y, v, d2);
    y = v128.load(q, 48);
    c3 = multiplyAdd(y, u, c3);
    d3 = multiplyAdd(y, v, d3);
    from += eight<T>() << 2;
  }
  const a = sumLanes4(f32x4.add(a0, c0), f32x4.add(a1, c1), f32x4.add(a2, c2), f32x4.add(a3, c3));
  const b = sumLanes4(f32x4.add(b0, d0), f32x4.add(b1, d1), f32x4.add(b2, d2), f32x4.add(b3, d3));
  const low = v128.shuffle<f32>(a, b, 0, 4, 1, 5);
  const high = v128.shuffle<f32>(a, b, 2, 6, 3, 7);
  v128.store64_lane(out, low, 0);
  v128.store64_lane(out + 64, low, 1);
  v128.store64_lane(out + 128, high, 0);
  v128.store64_lane(out + 192, high, 1);
}

function narrowFour(out: usize, x: usize, w: usize, k: usize): void {
  fourByTwo<u16>(out, x, w, k);
  fourByTwo<u16>(out + 8, x, w + 32, k);
}

function wideFour(out: usize, x: usize, w: usize, k: usize): void {
  fourByTwo<f32>(out, x, w, k);
  fourByTwo<f32>(out + 8, x, w + 64, k);
}

/**
 * Rows of out, 64 bytes each, from a panel on: `columns` of them, rounded up to whole panels. `wide` has room for a
 * panel of f32.
 */
function multiply(
  dtype: u32, out: usize, x: usize, packed: usize, weight: usize, wide: usize, m: u32, columns: u32, k: usize,
): void {
  const narrow = dtype == ids.BF16;
  const panel = dtype == ids.F32 ? k << 4 : k << 3;
  for (let j: u32 = 0; j < columns; j += 4) {
    let w = weight;
    if (dtype == ids.F16) {
      if (m == 1 && finitePanel(out, x, w, k)) {
        out += 16;
        weight += panel;
        continue;
      }
      widenHalves(wide, w, k << 2);
      w = wide;
    }
    let i: u32 = 0;
    for (; i + 4 <= m; i += 4) {
      const to = out + (<usize>i << 6);
      const from = packed + <usize>i * (k << 2);
      if (narrow) narrowFour(to, from, w, k);
      else wideFour(to, from, w, k);
    }
    for (; i < m; i++) {
      const to = out + (<usize>i << 6);
      const from = x + <usize>i * (k << 2);
      if (narrow) narrowPanel(to, from, w, k);
      else widePanel(to, from, w, k);
    }
    out += 16;
    weight += panel;
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
 * a block before the next. Scratch: the rows of a block, its 16 columns, those of the gate, and for f16 a panel.
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
  const row = dtype == ids.F32 ? k << 2 : k << 1;
  const first = scratch + <usize>block * (k << 2);
  const second = first + (<usize>block << 6);
  const wide = second + (<usize>block << 6);
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
      multiply(dtype, first, rows, scratch, w + <usize>j * row, wide, count, columns, k);
      if (gated) multiply(dtype, second, rows, scratch, w + <usize>(n + j) * row, wide, count, columns, k);
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
