// exp, tanh and friends on four floats, within 2 units in the last place; every kernel uses these alone, so that a
// value never depends on which of them computed it.

@inline export function splat(x: f32): v128 {
  return f32x4.splat(x);
}

/** a · b + c: one rounding where the relaxed instruction has it, two elsewhere; the same throughout one binary. */
@inline export function multiplyAdd(a: v128, b: v128, c: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f32x4.relaxed_madd(a, b, c);
  return f32x4.add(f32x4.mul(a, b), c);
}

/** (x0 + x2) + (x1 + x3): the order in which lanes join everywhere. */
@inline export function sumLanes(x: v128): f32 {
  return (
    f32x4.extract_lane(x, 0) + f32x4.extract_lane(x, 2) + (f32x4.extract_lane(x, 1) + f32x4.extract_lane(x, 3))
  );
}

/** The lane sums of four vectors, each as `sumLanes` forms it. */
@inline export function sumLanes4(a: v128, b: v128, c: v128, d: v128): v128 {
  const ab = f32x4.add(v128.shuffle<f32>(a, b, 0, 4, 1, 5), v128.shuffle<f32>(a, b, 2, 6, 3, 7));
  const cd = f32x4.add(v128.shuffle<f32>(c, d, 0, 4, 1, 5), v128.shuffle<f32>(c, d, 2, 6, 3, 7));
  return f32x4.add(v128.shuffle<f32>(ab, cd, 0, 1, 4, 5), v128.shuffle<f32>(ab, cd, 2, 3, 6, 7));
}

/** 2^n for integers n; the bits of 1 are those of its exponent alone. */
@inline function powerOfTwo(n: v128, one: v128): v128 {
  return i32x4.add(i32x4.shl(n, 23), one);
}

/** y · 2^n, in two steps, since 2^n itself may lie outside the normal range. */
@inline function raised(y: v128, n: v128, one: v128): v128 {
  const half = i32x4.shr_s(n, 1);
  return f32x4.mul(f32x4.mul(y, powerOfTwo(half, one)), powerOfTwo(i32x4.sub(n, half), one));
}

/** Constants of `exp4`, 16 bytes each: V8 builds vectors of literals anew wherever they are used, in loops too. */
const EXP = memory.data<f32>(
  [
    -104, -104, -104, -104, 89, 89, 89, 89,
    1.44269504, 1.44269504, 1.44269504, 1.44269504, 12582912, 12582912, 12582912, 12582912,
    -0.693359375, -0.693359375, -0.693359375, -0.693359375,
    2.1219444e-4, 2.1219444e-4, 2.1219444e-4, 2.1219444e-4,
    1.984127e-4, 1.984127e-4, 1.984127e-4, 1.984127e-4,
    1.3888889e-3, 1.3888889e-3, 1.3888889e-3, 1.3888889e-3,
    8.3333333e-3, 8.3333333e-3, 8.3333333e-3, 8.3333333e-3,
    4.1666667e-2, 4.1666667e-2, 4.1666667e-2, 4.1666667e-2,
    0.16666667, 0.16666667, 0.16666667, 0.16666667,
    0.5, 0.5, 0.5, 0.5, 1, 1, 1, 1,
  ],
  16,
);

/** e^x by e^x = 2^n · e^r with |r| <= ln2 / 2 and the Taylor polynomial of e^r. */
@inline export function exp4(given: v128): v128 {
  // Beyond these the result is 0 or infinity anyway; NaN passes through both.
  const x = f32x4.pmin(f32x4.pmax(given, v128.load(EXP)), v128.load(EXP, 16));
  // Floats near 1.5 · 2^23 lie 1 apart, and their lowest bits count them.
  const big = v128.load(EXP, 48);
  const rounded = multiplyAdd(x, v128.load(EXP, 32), big);
  const n = f32x4.sub(rounded, big);
  const r = multiplyAdd(n, v128.load(EXP, 80), multiplyAdd(n, v128.load(EXP, 64), x));
  let y = multiplyAdd(v128.load(EXP, 96), r, v128.load(EXP, 112));
  y = multiplyAdd(y, r, v128.load(EXP, 128));
  y = multiplyAdd(y, r, v128.load(EXP, 144));
  y = multiplyAdd(y, r, v128.load(EXP, 160));
  y = multiplyAdd(y, r, v128.load(EXP, 176));
  const one = v128.load(EXP, 192);
  y = f32x4.add(multiplyAdd(f32x4.mul(y, r), r, r), one);
  return raised(y, i32x4.sub(rounded, big), one);
}

/**
 * e^(x - shift) of 16 floats, each as `exp4` has it. A constant serves four vectors, whose sums need not wait for
 * themselves; branches that are never taken end blocks, so that few constants take registers at once (see
 * panel_rows.ts).
 */
@inline export function exp16(to: usize, from: usize, shift: v128): void {
  let x0 = f32x4.sub(v128.load(from), shift);
  let x1 = f32x4.sub(v128.load(from, 16), shift);
  let x2 = f32x4.sub(v128.load(from, 32), shift);
  let x3 = f32x4.sub(v128.load(from, 48), shift);
  const lowest = v128.load(EXP);
  const highest = v128.load(EXP, 16);
  x0 = f32x4.pmin(f32x4.pmax(x0, lowest), highest);
  x1 = f32x4.pmin(f32x4.pmax(x1, lowest), highest);
  x2 = f32x4.pmin(f32x4.pmax(x2, lowest), highest);
  x3 = f32x4.pmin(f32x4.pmax(x3, lowest), highest);
  if (from == 0) return;
  const log2e = v128.load(EXP, 32);
  let big = v128.load(EXP, 48);
  const n0 = multiplyAdd(x0, log2e, big);
  const n1 = multiplyAdd(x1, log2e, big);
  const n2 = multiplyAdd(x2, log2e, big);
  const n3 = multiplyAdd(x3, log2e, big);
  const high = v128.load(EXP, 64);
  const low = v128.load(EXP, 80);
  let n = f32x4.sub(n0, big);
  const r0 = multiplyAdd(n, low, multiplyAdd(n, high, x0));
  n = f32x4.sub(n1, big);
  const r1 = multiplyAdd(n, low, multiplyAdd(n, high, x1));
  n = f32x4.sub(n2, big);
  const r2 = multiplyAdd(n, low, multiplyAdd(n, high, x2));
  n = f32x4.sub(n3, big);
  const r3 = multiplyAdd(n, low, multiplyAdd(n, high, x3));
  if (to == 0) return;
  const first = v128.load(EXP, 96);
  let c = v128.load(EXP, 112);
  let y0 = multiplyAdd(first, r0, c);
  let y1 = multiplyAdd(first, r1, c);
  let y2 = multiplyAdd(first, r2, c);
  let y3 = multiplyAdd(first, r3, c);
  if (from == 0) return;
  c = v128.load(EXP, 128);
  y0 = multiplyAdd(y0, r0, c);
  y1 = multiplyAdd(y1, r1, c);
  y2 = multiplyAdd(y2, r2, c);
  y3 = multiplyAdd(y3, r3, c);
  c = v128.load(EXP, 144);
  y0 = multiplyAdd(y0, r0, c);
  y1 = multiplyAdd(y1, r1, c);
  y2 = multiplyAdd(y2, r2, c);
  y3 = multiplyAdd(y3, r3, c);
  c = v128.load(EXP, 160);
  y0 = multiplyAdd(y0, r0, c);
  y1 = multiplyAdd(y1, r1, c);
  y2 = multiplyAdd(y2, r2, c);
  y3 = multiplyAdd(y3, r3, c);
  if (to == 0) return;
  c = v128.load(EXP, 176);
  const one = v128.load(EXP, 192);
  big = v128.load(EXP, 48);
  y0 = f32x4.add(multiplyAdd(f32x4.mul(multiplyAdd(y0, r0, c), r0), r0, r0), one);
  y1 = f32x4.add(multiplyAdd(f32x4.mul(multiplyAdd(y1, r1, c), r1), r1, r1), one);
  y2 = f32x4.add(multiplyAdd(f32x4.mul(multiplyAdd(y2, r2, c), r2), r2, r2), one);
  y3 = f32x4.add(multiplyAdd(f32x4.mul(multiplyAdd(y3, r3, c), r3), r3, r3), one);
  v128.store(to, raised(y0, i32x4.sub(n0, big), one));
  v128.store(to, raised(y1, i32x4.sub(n1, big), one), 16);
  v128.store(to, raised(y2, i32x4.sub(n2, big), one), 32);
  v128.store(to, raised(y3, i32x4.sub(n3, big), one), 48);
}

@inline export function exp1(x: f32): f32 {
  return f32x4.extract_lane(exp4(splat(x)), 0);
}

export function silu4(x: v128): v128 {
  return f32x4.div(x, f32x4.add(splat(1), exp4(f32x4.neg(x))));
}

/** 1 - 2 / (e^2|x| + 1) with the sign of x, and the Taylor polynomial near 0, where that would cancel. */
export function tanh4(x: v128): v128 {
  const size = f32x4.abs(x);
  const e = exp4(f32x4.add(size, size));
  const far = f32x4.sub(splat(1), f32x4.div(splat(2), f32x4.add(e, splat(1))));
  const square = f32x4.mul(x, x);
  let y = splat(-1382.0 / 155925.0);
  y = f32x4.add(f32x4.mul(y, square), splat(62.0 / 2835.0));
  y = f32x4.add(f32x4.mul(y, square), splat(-17.0 / 315.0));
  y = f32x4.add(f32x4.mul(y, square), splat(2.0 / 15.0));
  y = f32x4.add(f32x4.mul(y, square), splat(-1.0 / 3.0));
  const near = f32x4.add(f32x4.mul(f32x4.mul(y, square), size), size);
  const result = v128.bitselect(near, far, f32x4.lt(size, splat(0.35)));
  const sign = v128.and(x, i32x4.splat(<i32>0x80000000));
  return v128.or(result, sign);
}

/** Lane by lane in f64: logarithms are rare. */
export function log4(x: v128): v128 {
  let y = x;
  y = f32x4.replace_lane(y, 0, <f32>Math.log(<f64>f32x4.extract_lane(x, 0)));
  y = f32x4.replace_lane(y, 1, <f32>Math.log(<f64>f32x4.extract_lane(x, 1)));
  y = f32x4.replace_lane(y, 2, <f32>Math.log(<f64>f32x4.extract_lane(x, 2)));
  return f32x4.replace_lane(y, 3, <f32>Math.log(<f64>f32x4.extract_lane(x, 3)));
}

/** x · Φ(x) by the tanh formula. */
export function geluTanh4(x: v128): v128 {
  const cubic = f32x4.mul(f32x4.mul(f32x4.mul(x, x), x), splat(0.044715));
  const inner = f32x4.mul(f32x4.add(x, cubic), splat(0.7978845608028654));
  return f32x4.mul(f32x4.mul(x, splat(0.5)), f32x4.add(tanh4(inner), splat(1)));
}
