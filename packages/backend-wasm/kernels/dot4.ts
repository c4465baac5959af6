// Rows of x times 16 rows of a weight of 4 bits, by the relaxed product of bytes. Codes are 8 more than what they stand
// for, so they fit its second operand as they are, and each sum begins at what that adds: -8 times the sum of x.
import { addRow, ONES, scaled } from "./dot8";

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

/**
 * Four rows of x by 8 of the 16. The rows lie together by 4 neighbours, their scales and starts `next` bytes apart and
 * their results 64, which are added to.
 */
export function dot4Four(
  out: usize, x: usize, starts: usize, xScales: usize, next: usize, w: usize, scales: usize, k: usize, group: usize,
): void {
  const low = v128.load(LOW);
  const ones = v128.load(ONES);
  for (const end = x + (k << 2); x < end; ) {
    let i0 = v128.load32_splat(starts);
    let j0 = i0;
    let i1 = v128.load32_splat(starts + next);
    let j1 = i1;
    let i2 = v128.load32_splat(starts + 2 * next);
    let j2 = i2;
    let i3 = v128.load32_splat(starts + 3 * next);
    let j3 = i3;
    starts += 4;
    for (const last = x + (group << 2); x < last; ) {
      let a0 = i16x8.splat(0);
      let b0 = a0;
      let a1 = a0;
      let b1 = a0;
      let a2 = a0;
      let b2 = a0;
      let a3 = a0;
      let b3 = a0;
      for (const stop = min(last, x + (LONGEST << 2)); x < stop; x += 32) {
        const v = v128.load(w);
        const u = v128.load(w, 16);
        const y = v128.load(x);
        const z = v128.load(x, 16);
        let c = v128.and(v, low);
        let d = v128.and(u, low);
        let s = v128.shuffle<i32>(y, y, 0, 0, 0, 0);
        a0 = add2(s, c, a0);
        b0 = add2(s, d, b0);
        s = v128.shuffle<i32>(y, y, 1, 1, 1, 1);
        a1 = add2(s, c, a1);
        b1 = add2(s, d, b1);
        s = v128.shuffle<i32>(y, y, 2, 2, 2, 2);
        a2 = add2(s, c, a2);
        b2 = add2(s, d, b2);
        s = v128.shuffle<i32>(y, y, 3, 3, 3, 3);
        a3 = add2(s, c, a3);
        b3 = add2(s, d, b3);
        c = upper(v, low);
        d = upper(u, low);
        s = v128.shuffle<i32>(z, z, 0, 0, 0, 0);
        a0 = add2(s, c, a0);
        b0 = add2(s, d, b0);
        s = v128.shuffle<i32>(z, z, 1, 1, 1, 1);
        a1 = add2(s, c, a1);
        b1 = add2(s, d, b1);
        s = v128.shuffle<i32>(z, z, 2, 2, 2, 2);
        a2 = add2(s, c, a2);
        b2 = add2(s, d, b2);
        s = v128.shuffle<i32>(z, z, 3, 3, 3, 3);
        a3 = add2(s, c, a3);
        b3 = add2(s, d, b3);
        w += 64;
      }
      i0 = join(a0, ones, i0);
      j0 = join(b0, ones, j0);
      i1 = join(a1, ones, i1);
      j1 = join(b1, ones, j1);
      i2 = join(a2, ones, i2);
      j2 = join(b2, ones, j2);
      i3 = join(a3, ones, i3);
      j3 = join(b3, ones, j3);
    }
    addRow(out, i0, j0, scales, xScales);
    addRow(out + 64, i1, j1, scales, xScales + next);
    addRow(out + 128, i2, j2, scales, xScales + 2 * next);
    addRow(out + 192, i3, j3, scales, xScales + 3 * next);
    xScales += 4;
    scales += 64;
  }
}
