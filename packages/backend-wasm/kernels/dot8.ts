// Rows of x times 16 rows of a weight of 8 bits, by the relaxed product of bytes. Its second operand holds 0..127, so
// rows come as x + 64, and each sum begins at what that adds: 64 times the negated sum of the weight's group.
//
// Sums stay in registers by the means of panel_rows.ts: 15 hold them and what a block loads, and a branch that is never
// taken ends a block.

import { clear } from "./product";

// From memory, for V8 builds a constant vector anew wherever it is used, in loops too.
export const ONES = memory.data<i16>([1, 1, 1, 1, 1, 1, 1, 1], 16);

/**
 * Adds the products of 4 neighbours to each lane. Not by the relaxed instruction that adds as well: the baseline compiler
 * of V8 11 (Node 20) gets its sums wrong. `ones` joins pairs in one instruction, where extending them takes two.
 */
@inline function add4(w: v128, x: v128, ones: v128, sum: v128): v128 {
  return i32x4.add(sum, i32x4.dot_i16x8_s(i16x8.relaxed_dot_i8x16_i7x16_s(w, x), ones));
}

/** What the sums of four rows begin at; T is i16, or i32 for groups whose sums are longer. */
@inline function start<T>(negated: usize): v128 {
  return i32x4.shl(sizeof<T>() == 2 ? v128.load16x4_s(negated) : v128.load(negated), 6);
}

/** f32(sum) · (scale of the weight · scale of the row). */
@inline export function scaled(sum: v128, scales: v128, step: v128): v128 {
  return f32x4.mul(f32x4.convert_i32x4_s(sum), f32x4.mul(scales, step));
}

/** Adds one row of x by 16 of the weight to out[16]. */
export function dot8<T>(out: usize, x: usize, xScales: usize, w: usize, negated: usize, scales: usize, k: usize, group: usize): void {
  const ones = v128.load(ONES);
  let a = v128.load(out);
  let b = v128.load(out, 16);
  let c = v128.load(out, 32);
  let d = v128.load(out, 48);
  for (const end = x + k; x < end; ) {
    let i0 = start<T>(negated);
    let i1 = start<T>(negated + 4 * sizeof<T>());
    let i2 = start<T>(negated + 8 * sizeof<T>());
    let i3 = start<T>(negated + 12 * sizeof<T>());
    negated += 16 * sizeof<T>();
    for (const stop = x + group; x < stop; x += 4) {
      const y = v128.load32_splat(x);
      i0 = add4(v128.load(w), y, ones, i0);
      i1 = add4(v128.load(w, 16), y, ones, i1);
      i2 = add4(v128.load(w, 32), y, ones, i2);
      i3 = add4(v128.load(w, 48), y, ones, i3);
      w += 64;
    }
    const step = v128.load32_splat(xScales);
    xScales += 4;
    a = f32x4.add(a, scaled(i0, v128.load(scales), step));
    b = f32x4.add(b, scaled(i1, v128.load(scales, 16), step));
    c = f32x4.add(c, scaled(i2, v128.load(scales, 32), step));
    d = f32x4.add(d, scaled(i3, v128.load(scales, 48), step));
    scales += 64;
  }
  v128.store(out, a);
  v128.store(out, b, 16);
  v128.store(out, c, 32);
  v128.store(out, d, 48);
}

@inline function addGroup(out: usize, x: usize, stop: usize, step: v128, w: usize, negated: usize, scales: usize, ones: v128): void {
  let i0 = start<i16>(negated);
  let i1 = start<i16>(negated + 8);
  let i2 = start<i16>(negated + 16);
  let i3 = start<i16>(negated + 24);
  for (; x < stop; x += 4) {
    const y = v128.load32_splat(x);
    i0 = add4(v128.load(w), y, ones, i0);
    i1 = add4(v128.load(w, 16), y, ones, i1);
    i2 = add4(v128.load(w, 32), y, ones, i2);
    i3 = add4(v128.load(w, 48), y, ones, i3);
    w += 64;
  }
  v128.store(out, f32x4.add(v128.load(out), scaled(i0, v128.load(scales), step)));
  v128.store(out, f32x4.add(v128.load(out, 16), scaled(i1, v128.load(scales, 16), step)), 16);
  v128.store(out, f32x4.add(v128.load(out, 32), scaled(i2, v128.load(scales, 32), step)), 32);
  v128.store(out, f32x4.add(v128.load(out, 48), scaled(i3, v128.load(scales, 48), step)), 48);
}

/**
 * out[32] = one row of x by 16 of the weight and by the 16 that lie `apart` tiles further, a group of each in turn: the
 * processor reads ahead in both places, so more of the memory is under way than with one.
 */
export function dot8Apart(
  out: usize, x: usize, xScales: usize, w: usize, negated: usize, scales: usize, apart: usize, k: usize, group: usize,
): void {
  const ones = v128.load(ONES);
  const groups = apart * (k / group);
  let w2 = w + apart * (k << 4);
  let negated2 = negated + (groups << 5);
  let scales2 = scales + (groups << 6);
  clear(out, 128);
  for (const end = x + k; x < end; x += group) {
    const step = v128.load32_splat(xScales);
    addGroup(out, x, x + group, step, w, negated, scales, ones);
    addGroup(out + 64, x, x + group, step, w2, negated2, scales2, ones);
    xScales += 4;
    w += group << 4;
    w2 += group << 4;
    negated += 32;
    negated2 += 32;
    scales += 64;
    scales2 += 64;
  }
}

/** Adds a group's 8 sums of one row to what is stored. */
@inline function addRow(out: usize, first: v128, second: v128, scales: usize, xScales: usize): void {
  const step = v128.load32_splat(xScales);
  v128.store(out, f32x4.add(v128.load(out), scaled(first, v128.load(scales), step)));
  v128.store(out, f32x4.add(v128.load(out, 16), scaled(second, v128.load(scales, 16), step)), 16);
}

/** The same for two to five rows, whose scales are `next` bytes apart and whose results 64. */
@inline export function addRows(
  rows: usize, out: usize, scales: usize, xScales: usize, next: usize,
  a0: v128, b0: v128, a1: v128, b1: v128, a2: v128, b2: v128, a3: v128, b3: v128, a4: v128, b4: v128,
): void {
  addRow(out, a0, b0, scales, xScales);
  addRow(out + 64, a1, b1, scales, xScales + next);
  if (rows > 2) addRow(out + 128, a2, b2, scales, xScales + 2 * next);
  if (rows > 3) addRow(out + 192, a3, b3, scales, xScales + 3 * next);
  if (rows > 4) addRow(out + 256, a4, b4, scales, xScales + 4 * next);
}

@inline function rowsBy16<T>(
  rows: usize, out: usize, x: usize, xScales: usize, next: usize, w: usize, negated: usize, scales: usize, k: usize, group: usize,
): void {
  const ones = v128.load(ONES);
  for (const end = x + k * rows; x < end; ) {
    for (let half: usize = 0; half < 64; half += 32) {
      let a0 = start<T>(negated);
      let b0 = start<T>(negated + 4 * sizeof<T>());
      let a1 = a0;
      let b1 = b0;
      let a2 = a0;
      let b2 = b0;
      let a3 = a0;
      let b3 = b0;
      let a4 = a0;
      let b4 = b0;
      negated += 8 * sizeof<T>();
      let from = x;
      let at = w + half;
      for (const stop = x + group * rows; from < stop; from += 4 * rows) {
        const v = v128.load(at);
        const u = v128.load(at, 16);
        let y = v128.load32_splat(from);
        a0 = add4(v, y, ones, a0);
        b0 = add4(u, y, ones, b0);
        if (from == 0) break;
        y = v128.load32_splat(from, 4);
        a1 = add4(v, y, ones, a1);
        b1 = add4(u, y, ones, b1);
        if (rows > 2) {
          if (at == 0) break;
          y = v128.load32_splat(from, 8);
          a2 = add4(v, y, ones, a2);
          b2 = add4(u, y, ones, b2);
        }
        if (rows > 3) {
          if (from == 0) break;
          y = v128.load32_splat(from, 12);
          a3 = add4(v, y, ones, a3);
          b3 = add4(u, y, ones, b3);
        }
        if (rows > 4) {
          if (at == 0) break;
          y = v128.load32_splat(from, 16);
          a4 = add4(v, y, ones, a4);
          b4 = add4(u, y, ones, b4);
        }
        at += 64;
      }
      addRows(rows, out + half, scales + half, xScales, next, a0, b0, a1, b1, a2, b2, a3, b3, a4, b4);
    }
    x += group * rows;
    w += group << 4;
    xScales += 4;
    scales += 64;
  }
}

/**
 * Two to five rows of x by 16 of the weight: 8 of them for a group, then the others, so that all sums stay in registers
 * and memory is read at an even pace. The rows lie together by 4 neighbours, their scales `next` bytes apart and their
 * results 64, which are added to.
 */
export function dot8Rows<T>(
  rows: usize, out: usize, x: usize, xScales: usize, next: usize, w: usize, negated: usize, scales: usize, k: usize, group: usize,
): void {
  if (rows == 2) rowsBy16<T>(2, out, x, xScales, next, w, negated, scales, k, group);
  else if (rows == 3) rowsBy16<T>(3, out, x, xScales, next, w, negated, scales, k, group);
  else if (rows == 4) rowsBy16<T>(4, out, x, xScales, next, w, negated, scales, k, group);
  else rowsBy16<T>(5, out, x, xScales, next, w, negated, scales, k, group);
}
