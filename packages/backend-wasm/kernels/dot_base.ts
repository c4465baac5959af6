// One row of x, as 16-bit integers, times 16 rows of a weight of 8 or 4 bits, without relaxed SIMD: products of 16-bit
// integers join pairs of neighbours, so a row of the weight has two lanes.
import { scaled } from "./dot8";

/** Lanes (r0, r0', r1, r1') and (r2, r2', r3, r3') as the sums of four rows. */
@inline function pairs(low: v128, top: v128): v128 {
  return i32x4.add(v128.shuffle<i32>(low, top, 0, 2, 4, 6), v128.shuffle<i32>(low, top, 1, 3, 5, 7));
}

/** The products of 4 bytes of x with 4 of each row of `w`, the first two rows. */
@inline function lower(w: v128, x: v128, sum: v128): v128 {
  return i32x4.add(sum, i32x4.dot_i16x8_s(i16x8.extend_low_i8x16_s(w), x));
}

/** The same for the last two rows. */
@inline function upper(w: v128, x: v128, sum: v128): v128 {
  return i32x4.add(sum, i32x4.dot_i16x8_s(i16x8.extend_high_i8x16_s(w), x));
}

@inline function halves(w: v128): v128 {
  return v128.and(i16x8.shr_u(w, 4), i8x16.splat(15));
}

/** Adds one row of x by 16 of the weight to out[16]; `starts` has -8 times the sums of x, for 4 bits. */
@inline function dots(bits: u32, out: usize, x: usize, starts: usize, xScales: usize, w: usize, scales: usize, k: usize, group: usize): void {
  let a = v128.load(out);
  let b = v128.load(out, 16);
  let c = v128.load(out, 32);
  let d = v128.load(out, 48);
  for (let q: usize = 0; q < k; q += group) {
    let l0 = i32x4.splat(0);
    let l1 = l0;
    let l2 = l0;
    let l3 = l0;
    let h0 = l0;
    let h1 = l0;
    let h2 = l0;
    let h3 = l0;
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
        l0 = lower(halves(w0), z, l0);
        h0 = upper(halves(w0), z, h0);
        l1 = lower(halves(w1), z, l1);
        h1 = upper(halves(w1), z, h1);
        l2 = lower(halves(w2), z, l2);
        h2 = upper(halves(w2), z, h2);
        l3 = lower(halves(w3), z, l3);
        h3 = upper(halves(w3), z, h3);
        w0 = v128.and(w0, i8x16.splat(15));
        w1 = v128.and(w1, i8x16.splat(15));
        w2 = v128.and(w2, i8x16.splat(15));
        w3 = v128.and(w3, i8x16.splat(15));
      }
      l0 = lower(w0, y, l0);
      h0 = upper(w0, y, h0);
      l1 = lower(w1, y, l1);
      h1 = upper(w1, y, h1);
      l2 = lower(w2, y, l2);
      h2 = upper(w2, y, h2);
      l3 = lower(w3, y, l3);
      h3 = upper(w3, y, h3);
    }
    const start = bits == 4 ? v128.load32_splat(starts) : i32x4.splat(0);
    const step = v128.load32_splat(xScales);
    starts += 4;
    xScales += 4;
    a = f32x4.add(a, scaled(i32x4.add(pairs(l0, h0), start), v128.load(scales), step));
    b = f32x4.add(b, scaled(i32x4.add(pairs(l1, h1), start), v128.load(scales, 16), step));
    c = f32x4.add(c, scaled(i32x4.add(pairs(l2, h2), start), v128.load(scales, 32), step));
    d = f32x4.add(d, scaled(i32x4.add(pairs(l3, h3), start), v128.load(scales, 48), step));
    scales += 64;
  }
  v128.store(out, a);
  v128.store(out, b, 16);
  v128.store(out, c, 32);
  v128.store(out, d, 48);
}

export function baseDot8(out: usize, x: usize, xScales: usize, w: usize, scales: usize, k: usize, group: usize): void {
  dots(8, out, x, 0, xScales, w, scales, k, group);
}

export function baseDot4(out: usize, x: usize, starts: usize, xScales: usize, w: usize, scales: usize, k: usize, group: usize): void {
  dots(4, out, x, starts, xScales, w, scales, k, group);
}
