// Rows of x times 16 rows of a weight of 4 bits, by the relaxed product of bytes. Codes are 8 more than what they stand
// for, so they fit its second operand as they are, and each sum begins at what that adds: -8 times the sum of x.
import { addRows, ONES, scaled } from "./dot8";

/** Pairs of products are at most 2 · 15 · 63, so 16 bits hold the sums of as many elements. */
const LONGEST: usize = 64;

// As vectors in memory; see `ONES`.
const LOW = memory.data<u32>([0x0f0f0f0f, 0x0f0f0f0f, 0x0f0f0f0f, 0x0f0f0f0f], 16);

@inline function add2(x: v128, w: v128, sum: v128): v128 {
  return i16x8.add(sum, i16x8.relaxed_dot_i8x16_i7x16_s(x, w));
}

@inline function upper(w: v128, low: v128): v128 {
  return v128.and(i16x8.shr_u(w, 4), low);
}

@inline function join(sums: v128, ones: v128, to: v128): v128 {
  return i32x4.add(to, i32x4.dot_i16x8_s(sums, ones));
}

/** Adds one row of x by 16 of the weight to out[16]. */
export function dot4(out: usize, x: usize, starts: usize, xScales: usize, w: usize, scales: usize, k: usize, group: usize): void {
  const low = v128.load(LOW);
  const ones = v128.load(ONES);
  let a = v128.load(out);
  let b = v128.load(out, 16);
  let c = v128.load(out, 32);
  let d = v128.load(out, 48);
  for (const end = x + k; x < end; ) {
    let i0 = v128.load32_splat(starts);
    let i1 = i0;
    let i2 = i0;
    let i3 = i0;
    starts += 4;
    for (const last = x + group; x < last; ) {
      let a16 = i16x8.splat(0);
      let b16 = a16;
      let c16 = a16;
      let d16 = a16;
      for (const stop = min(last, x + LONGEST); x < stop; x += 8) {
        const y = v128.load32_splat(x);
        const z = v128.load32_splat(x, 4);
        let v = v128.load(w);
        a16 = add2(z, upper(v, low), add2(y, v128.and(v, low), a16));
        v = v128.load(w, 16);
        b16 = add2(z, upper(v, low), add2(y, v128.and(v, low), b16));
        v = v128.load(w, 32);
        c16 = add2(z, upper(v, low), add2(y, v128.and(v, low), c16));
        v = v128.load(w, 48);
        d16 = add2(z, upper(v, low), add2(y, v128.and(v, low), d16));
        w += 64;
      }
      i0 = join(a16, ones, i0);
      i1 = join(b16, ones, i1);
      i2 = join(c16, ones, i2);
      i3 = join(d16, ones, i3);
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

@inline function rowsBy16(
  rows: usize, out: usize, x: usize, starts: usize, xScales: usize, next: usize, w: usize, scales: usize, k: usize, group: usize,
): void {
  const low = v128.load(LOW);
  const ones = v128.load(ONES);
  for (const end = x + k * rows; x < end; ) {
    for (let half: usize = 0; half < 64; half += 32) {
      let i0 = v128.load32_splat(starts);
      let j0 = i0;
      let i1 = v128.load32_splat(starts + next);
      let j1 = i1;
      let i2 = rows > 2 ? v128.load32_splat(starts + 2 * next) : i0;
      let j2 = i2;
      let i3 = rows > 3 ? v128.load32_splat(starts + 3 * next) : i0;
      let j3 = i3;
      let i4 = rows > 4 ? v128.load32_splat(starts + 4 * next) : i0;
      let j4 = i4;
      let from = x;
      let at = w + half;
      let again = at;
      for (const last = x + group * rows; from < last; ) {
        let a0 = i16x8.splat(0);
        let b0 = a0;
        let a1 = a0;
        let b1 = a0;
        let a2 = a0;
        let b2 = a0;
        let a3 = a0;
        let b3 = a0;
        let a4 = a0;
        let b4 = a0;
        for (const stop = min(last, from + LONGEST * rows); from < stop; from += 4 * rows) {
          let v = v128.and(v128.load(at), low);
          let u = v128.and(v128.load(at, 16), low);
          let y = v128.load32_splat(from);
          a0 = add2(y, v, a0);
          b0 = add2(y, u, b0);
          if (from == 0) break;
          y = v128.load32_splat(from, 4);
          a1 = add2(y, v, a1);
          b1 = add2(y, u, b1);
          if (rows > 2) {
            if (at == 0) break;
            y = v128.load32_splat(from, 8);
            a2 = add2(y, v, a2);
            b2 = add2(y, u, b2);
          }
          if (rows > 3) {
            if (from == 0) break;
            y = v128.load32_splat(from, 12);
            a3 = add2(y, v, a3);
            b3 = add2(y, u, b3);
          }
          if (rows > 4) {
            if (at == 0) break;
            y = v128.load32_splat(from, 16);
            a4 = add2(y, v, a4);
            b4 = add2(y, u, b4);
          }
          // Spelled out again: one loop for both would shift by what is no constant, which takes 1.15 times as long.
          from += 4 * rows;
          if (again == 0) break;
          v = upper(v128.load(again), low);
          u = upper(v128.load(again, 16), low);
          y = v128.load32_splat(from);
          a0 = add2(y, v, a0);
          b0 = add2(y, u, b0);
          if (from == 0) break;
          y = v128.load32_splat(from, 4);
          a1 = add2(y, v, a1);
          b1 = add2(y, u, b1);
          if (rows > 2) {
            if (at == 0) break;
            y = v128.load32_splat(from, 8);
            a2 = add2(y, v, a2);
            b2 = add2(y, u, b2);
          }
          if (rows > 3) {
            if (from == 0) break;
            y = v128.load32_splat(from, 12);
            a3 = add2(y, v, a3);
            b3 = add2(y, u, b3);
          }
          if (rows > 4) {
            if (at == 0) break;
            y = v128.load32_splat(from, 16);
            a4 = add2(y, v, a4);
            b4 = add2(y, u, b4);
          }
          at += 64;
          again += 64;
        }
        i0 = join(a0, ones, i0);
        j0 = join(b0, ones, j0);
        i1 = join(a1, ones, i1);
        j1 = join(b1, ones, j1);
        if (rows > 2) {
          i2 = join(a2, ones, i2);
          j2 = join(b2, ones, j2);
        }
        if (rows > 3) {
          i3 = join(a3, ones, i3);
          j3 = join(b3, ones, j3);
        }
        if (rows > 4) {
          i4 = join(a4, ones, i4);
          j4 = join(b4, ones, j4);
        }
      }
      addRows(rows, out + half, scales + half, xScales, next, i0, j0, i1, j1, i2, j2, i3, j3, i4, j4);
    }
    x += group * rows;
    w += group << 3;
    starts += 4;
    xScales += 4;
    scales += 64;
  }
}

/** As `dot8Rows`; the starts of rows are `next` bytes apart as well. */
export function dot4Rows(
  rows: usize, out: usize, x: usize, starts: usize, xScales: usize, next: usize, w: usize, scales: usize, k: usize, group: usize,
): void {
  if (rows == 2) rowsBy16(2, out, x, starts, xScales, next, w, scales, k, group);
  else if (rows == 3) rowsBy16(3, out, x, starts, xScales, next, w, scales, k, group);
  else if (rows == 4) rowsBy16(4, out, x, starts, xScales, next, w, scales, k, group);
  else rowsBy16(5, out, x, starts, xScales, next, w, scales, k, group);
}
