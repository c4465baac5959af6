// Rows of x times 16 rows of a weight of 8 bits, by the relaxed product of bytes. Its second operand holds 0..127, so
// rows come as x + 64, and each sum begins at what that adds: 64 times the negated sum of the weight's group.
//
// V8 puts all loads of a block before its arithmetic, so a loop keeps its sums in registers only if they and everything
// that one turn loads fit 15 of them: hence the sizes of the tiles, and no unrolling by hand.

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
  memory.fill(out, 0, 128);
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
@inline export function addRow(out: usize, first: v128, second: v128, scales: usize, xScales: usize): void {
  const step = v128.load32_splat(xScales);
  v128.store(out, f32x4.add(v128.load(out), scaled(first, v128.load(scales), step)));
  v128.store(out, f32x4.add(v128.load(out, 16), scaled(second, v128.load(scales, 16), step)), 16);
}

/**
 * Four rows of x by 8 of the 16. The rows lie together by 4 neighbours, their scales `next` bytes apart and their
 * results 64, which are added to.
 */
export function dot8Four<T>(
  out: usize, x: usize, xScales: usize, next: usize, w: usize, negated: usize, scales: usize, k: usize, group: usize,
): void {
  const ones = v128.load(ONES);
  for (const end = x + (k << 2); x < end; ) {
    let a0 = start<T>(negated);
    let b0 = start<T>(negated + 4 * sizeof<T>());
    let a1 = a0;
    let b1 = b0;
    let a2 = a0;
    let b2 = b0;
    let a3 = a0;
    let b3 = b0;
    negated += 16 * sizeof<T>();
    for (const stop = x + (group << 2); x < stop; x += 16) {
      const y = v128.load(x);
      const v = v128.load(w);
      const u = v128.load(w, 16);
      const y0 = v128.shuffle<i32>(y, y, 0, 0, 0, 0);
      a0 = add4(v, y0, ones, a0);
      b0 = add4(u, y0, ones, b0);
      const y1 = v128.shuffle<i32>(y, y, 1, 1, 1, 1);
      a1 = add4(v, y1, ones, a1);
      b1 = add4(u, y1, ones, b1);
      const y2 = v128.shuffle<i32>(y, y, 2, 2, 2, 2);
      a2 = add4(v, y2, ones, a2);
      b2 = add4(u, y2, ones, b2);
      const y3 = v128.shuffle<i32>(y, y, 3, 3, 3, 3);
      a3 = add4(v, y3, ones, a3);
      b3 = add4(u, y3, ones, b3);
      w += 64;
    }
    addRow(out, a0, b0, scales, xScales);
    addRow(out + 64, a1, b1, scales, xScales + next);
    addRow(out + 128, a2, b2, scales, xScales + 2 * next);
    addRow(out + 192, a3, b3, scales, xScales + 3 * next);
    xScales += 4;
    scales += 64;
  }
}
