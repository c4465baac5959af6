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
  // In two steps, since 2^n itself may lie outside the normal range.
  const whole = i32x4.sub(rounded, big);
  const half = i32x4.shr_s(whole, 1);
  return f32x4.mul(f32x4.mul(y, powerOfTwo(half, one)), powerOfTwo(i32x4.sub(whole, half), one));
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
