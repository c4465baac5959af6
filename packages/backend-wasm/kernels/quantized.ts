// Products of quantized rows with a quantized weight, as `quantized_matmul` defines them. The weight lies in tiles of
// 16 rows, in which neighbours of a row lie together by 4: one vector is 4 rows by 4 elements, so that each lane of
// an integer product belongs to one row. A group's sum is exact, so SIMD of any kind gives the same bits.
import * as ids from "../src/ids";
import { finish } from "./product";
import { minOf, operand, word } from "./step";

const ROWS: u32 = 16;

/** One row of x times 16 rows of the weight; `bits` is constant where this is inlined. */
@inline function tile(
  bits: u32, out: usize, x: usize, starts: usize, xScales: usize, w: usize, negated: usize, scales: usize, k: usize, group: usize,
): void {
  let a = f32x4.splat(0);
  let b = a;
  let c = a;
  let d = a;
  for (let q: usize = 0; q < k; q += group) {
    let i0: v128;
    let i1: v128;
    let i2: v128;
    let i3: v128;
    if (ASC_FEATURE_RELAXED_SIMD) {
      // The second operand of the relaxed product holds 0..127: rows as x + 64, or codes of 4 bits as they are.
      if (bits == 8) {
        i0 = i32x4.shl(v128.load16x4_s(negated), 6);
        i1 = i32x4.shl(v128.load16x4_s(negated, 8), 6);
        i2 = i32x4.shl(v128.load16x4_s(negated, 16), 6);
        i3 = i32x4.shl(v128.load16x4_s(negated, 24), 6);
        negated += 32;
        for (let s: usize = 0; s < group; s += 4) {
          const y = v128.load32_splat(x);
          i0 = addDot(v128.load(w), y, i0);
          i1 = addDot(v128.load(w, 16), y, i1);
          i2 = addDot(v128.load(w, 32), y, i2);
          i3 = addDot(v128.load(w, 48), y, i3);
          w += 64;
          x += 4;
        }
      } else {
        const low = i8x16.splat(15);
        i0 = v128.load32_splat(starts);
        i1 = i0;
        i2 = i0;
        i3 = i0;
        starts += 4;
        for (let s: usize = 0; s < group; ) {
          // Pairs are at most 2 · 15 · 63, so 16 bits hold the sums of 64 elements.
          const stop = min(group, s + 64);
          let a16 = i16x8.splat(0);
          let b16 = a16;
          let c16 = a16;
          let d16 = a16;
          for (; s < stop; s += 8) {
            const y = v128.load32_splat(x);
            const z = v128.load32_splat(x, 4);
            const w0 = v128.load(w);
            const w1 = v128.load(w, 16);
            const w2 = v128.load(w, 32);
            const w3 = v128.load(w, 48);
            a16 = addPairs(y, v128.and(w0, low), a16);
            b16 = addPairs(y, v128.and(w1, low), b16);
            c16 = addPairs(y, v128.and(w2, low), c16);
            d16 = addPairs(y, v128.and(w3, low), d16);
            a16 = addPairs(z, high(w0, low), a16);
            b16 = addPairs(z, high(w1, low), b16);
            c16 = addPairs(z, high(w2, low), c16);
            d16 = addPairs(z, high(w3, low), d16);
            w += 64;
            x += 8;
          }
          i0 = i32x4.add(i0, i32x4.extadd_pairwise_i16x8_s(a16));
          i1 = i32x4.add(i1, i32x4.extadd_pairwise_i16x8_s(b16));
          i2 = i32x4.add(i2, i32x4.extadd_pairwise_i16x8_s(c16));
          i3 = i32x4.add(i3, i32x4.extadd_pairwise_i16x8_s(d16));
        }
      }
    } else {
      // Two lanes a row: products of 16-bit integers join pairs of neighbours.
      let l0 = i32x4.splat(0);
      let l1 = l0;
      let l2 = l0;
      let l3 = l0;
      let h0 = l0;
      let h1 = l0;
      let h2 = l0;
      let h3 = l0;
      const low = i8x16.splat(15);
      for (let s: usize = 0; s < group; s += bits == 8 ? 4 : 8) {
        const y = v128.load64_splat(x);
        let w0 = v128.load(w);
        let w1 = v128.load(w, 16);
        let w2 = v128.load(w, 32);
        let w3 = v128.load(w, 48);
        w += 64;
        x += 8;
        if (bits == 4) {
          const z = v128.load64_splat(x);
          x += 8;
          const v0 = high(w0, low);
          const v1 = high(w1, low);
          const v2 = high(w2, low);
          const v3 = high(w3, low);
          w0 = v128.and(w0, low);
          w1 = v128.and(w1, low);
          w2 = v128.and(w2, low);
          w3 = v128.and(w3, low);
          l0 = i32x4.add(l0, i32x4.dot_i16x8_s(i16x8.extend_low_i8x16_s(v0), z));
          h0 = i32x4.add(h0, i32x4.dot_i16x8_s(i16x8.extend_high_i8x16_s(v0), z));
          l1 = i32x4.add(l1, i32x4.dot_i16x8_s(i16x8.extend_low_i8x16_s(v1), z));
          h1 = i32x4.add(h1, i32x4.dot_i16x8_s(i16x8.extend_high_i8x16_s(v1), z));
          l2 = i32x4.add(l2, i32x4.dot_i16x8_s(i16x8.extend_low_i8x16_s(v2), z));
          h2 = i32x4.add(h2, i32x4.dot_i16x8_s(i16x8.extend_high_i8x16_s(v2), z));
          l3 = i32x4.add(l3, i32x4.dot_i16x8_s(i16x8.extend_low_i8x16_s(v3), z));
          h3 = i32x4.add(h3, i32x4.dot_i16x8_s(i16x8.extend_high_i8x16_s(v3), z));
        }
        l0 = i32x4.add(l0, i32x4.dot_i16x8_s(i16x8.extend_low_i8x16_s(w0), y));
        h0 = i32x4.add(h0, i32x4.dot_i16x8_s(i16x8.extend_high_i8x16_s(w0), y));
        l1 = i32x4.add(l1, i32x4.dot_i16x8_s(i16x8.extend_low_i8x16_s(w1), y));
        h1 = i32x4.add(h1, i32x4.dot_i16x8_s(i16x8.extend_high_i8x16_s(w1), y));
        l2 = i32x4.add(l2, i32x4.dot_i16x8_s(i16x8.extend_low_i8x16_s(w2), y));
        h2 = i32x4.add(h2, i32x4.dot_i16x8_s(i16x8.extend_high_i8x16_s(w2), y));
        l3 = i32x4.add(l3, i32x4.dot_i16x8_s(i16x8.extend_low_i8x16_s(w3), y));
        h3 = i32x4.add(h3, i32x4.dot_i16x8_s(i16x8.extend_high_i8x16_s(w3), y));
      }
      i0 = pairs(l0, h0);
      i1 = pairs(l1, h1);
      i2 = pairs(l2, h2);
      i3 = pairs(l3, h3);
      if (bits == 4) {
        const start = v128.load32_splat(starts);
        starts += 4;
        i0 = i32x4.add(i0, start);
        i1 = i32x4.add(i1, start);
        i2 = i32x4.add(i2, start);
        i3 = i32x4.add(i3, start);
      }
    }
    const step = v128.load32_splat(xScales);
    xScales += 4;
    a = f32x4.add(a, f32x4.mul(f32x4.convert_i32x4_s(i0), f32x4.mul(v128.load(scales), step)));
    b = f32x4.add(b, f32x4.mul(f32x4.convert_i32x4_s(i1), f32x4.mul(v128.load(scales, 16), step)));
    c = f32x4.add(c, f32x4.mul(f32x4.convert_i32x4_s(i2), f32x4.mul(v128.load(scales, 32), step)));
    d = f32x4.add(d, f32x4.mul(f32x4.convert_i32x4_s(i3), f32x4.mul(v128.load(scales, 48), step)));
    scales += 64;
  }
  v128.store(out, a);
  v128.store(out, b, 16);
  v128.store(out, c, 32);
  v128.store(out, d, 48);
}

/**
 * Adds the products of 4 neighbours to each lane. Not by the relaxed instruction that adds as well: the baseline compiler
 * of V8 11 (Node 20) gets its sums wrong.
 */
@inline function addDot(w: v128, x: v128, sum: v128): v128 {
  return i32x4.add(sum, i32x4.extadd_pairwise_i16x8_s(i16x8.relaxed_dot_i8x16_i7x16_s(w, x)));
}

@inline function addPairs(x: v128, w: v128, sum: v128): v128 {
  return i16x8.add(sum, i16x8.relaxed_dot_i8x16_i7x16_s(x, w));
}

@inline function high(w: v128, low: v128): v128 {
  return v128.and(i8x16.shr_u(w, 4), low);
}

/** Lanes (r0, r0', r1, r1') and (r2, r2', r3, r3') as the sums of four rows. */
@inline function pairs(low: v128, top: v128): v128 {
  return i32x4.add(v128.shuffle<i32>(low, top, 0, 2, 4, 6), v128.shuffle<i32>(low, top, 1, 3, 5, 7));
}

function tile8(out: usize, x: usize, xScales: usize, w: usize, negated: usize, scales: usize, k: usize, group: usize): void {
  tile(8, out, x, 0, xScales, w, negated, scales, k, group);
}

function tile4(out: usize, x: usize, starts: usize, xScales: usize, w: usize, scales: usize, k: usize, group: usize): void {
  tile(4, out, x, starts, xScales, w, 0, scales, k, group);
}

/** Bytes of a row of x as the kernel reads it. */
@inline function rowBytes(bits: u32, k: usize): usize {
  return ASC_FEATURE_RELAXED_SIMD ? k : k << 1;
}

/** Writes rows of x as the products want them, and for 4 bits what -8 in every code comes to. */
function prepare(bits: u32, to: usize, starts: usize, x: usize, m: u32, k: usize, group: usize): void {
  const n = <usize>m * k;
  if (ASC_FEATURE_RELAXED_SIMD) {
    if (bits == 8) for (let q: usize = 0; q < n; q += 8) {
      const y = i8x16.add(v128.load64_zero(x + q), i8x16.splat(64));
      v128.store64_lane(to + q, y, 0);
    }
    else memory.copy(to, x, n);
  } else for (let q: usize = 0; q < n; q += 8) v128.store(to + (q << 1), v128.load8x8_s(x + q));
  if (bits == 4)
    for (let q: usize = 0; q < n; q += group) {
      let sum: i32 = 0;
      for (let s: usize = 0; s < group; s++) sum += <i32>load<i8>(x + q + s);
      store<i32>(starts + ((q / group) << 2), -8 * sum);
    }
}

/**
 * Words: out (2), x (2), scales of x (2), codes (2), scales (2), bias (2), residual (2), m, n, k, group, bits,
 * activation, whether there are a bias, a residual and a gate, rows of the weight. Units are 16 columns of out. Scratch:
 * rows of x, their starts, a tile of m rows, and one more for the gate.
 */
export function quantized(p: usize, begin: u32, end: u32, scratch: usize): void {
  const m = word(p, ids.HEADER + 14);
  const n = word(p, ids.HEADER + 15);
  const k = <usize>word(p, ids.HEADER + 16);
  const group = <usize>word(p, ids.HEADER + 17);
  const bits = word(p, ids.HEADER + 18);
  const gated = word(p, ids.HEADER + 22) != 0;
  const rows = <usize>word(p, ids.HEADER + 23);
  const out = operand(p, ids.HEADER);
  const x = operand(p, ids.HEADER + 2);
  const xScales = operand(p, ids.HEADER + 4);
  const codes = operand(p, ids.HEADER + 6);
  const scales = operand(p, ids.HEADER + 8);
  const bias = word(p, ids.HEADER + 20) != 0 ? operand(p, ids.HEADER + 10) : 0;
  const residual = word(p, ids.HEADER + 21) != 0 ? operand(p, ids.HEADER + 12) : 0;
  const starts = scratch + ((<usize>m * k) << 1);
  const first = starts + (((<usize>m * (k / group)) << 2) + 63 & ~63);
  const second = first + (<usize>m << 6);
  const third = second + (<usize>m << 6);
  prepare(bits, scratch, starts, x, m, k, group);
  for (let unit = begin; unit < end; unit++) {
    const j = unit * ROWS;
    const columns = minOf(ROWS, n - j);
    columnsOf(bits, first, third, scratch, starts, xScales, codes, scales, <usize>j, m, k, group, rows);
    if (gated) columnsOf(bits, second, third, scratch, starts, xScales, codes, scales, <usize>(n + j), m, k, group, rows);
    for (let i: usize = 0; i < <usize>m; i++) {
      const to = out + ((i * <usize>n + <usize>j) << 2);
      memory.copy(to, first + (i << 6), <usize>columns << 2);
      finish(
        to,
        gated ? second + (i << 6) : 0,
        bias == 0 ? 0 : bias + (<usize>j << 2),
        bias == 0 ? 0 : bias + (<usize>(n + j) << 2),
        residual == 0 ? 0 : residual + ((i * <usize>n + <usize>j) << 2),
        word(p, ids.HEADER + 19),
        columns,
      );
    }
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
  const s = scales + index * (groups << 6);
  // Behind the codes lie, for 8 bits, the negated sums of each group: what 64 in every element of x comes to.
  const negated = codes + ((rows + 15) >> 4) * (k << 4) + index * (groups << 5);
  const w = codes + index * (bits == 8 ? k << 4 : k << 3);
  for (let i: usize = 0; i < <usize>m; i++) {
    const row = x + i * rowBytes(bits, k);
    const to = out + (i << 6);
    const step = xScales + i * (groups << 2);
    if (bits == 8) tile8(to, row, step, w, negated, s, k, group);
    else tile4(to, row, starts + i * (groups << 2), step, w, s, k, group);
  }
}
