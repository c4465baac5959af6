// Products of rows of x with rows of a weight, both along k. Whatever the tile, one output is the same sum: four lanes
// over k in rising order, joined as `sumLanes` does, then the last k % 4 terms. So a row's numbers depend on that row.
import { multiplyAdd, splat, sumLanes, sumLanes4 } from "./math";
import { minOf } from "./step";

/** Four weights from element k on; T is f32, or u16 for bf16 words, each the upper half of an f32. */
@inline function weights<T>(at: usize, k: usize): v128 {
  if (sizeof<T>() == 4) return v128.load(at + (k << 2));
  return i32x4.shl(v128.load16x4_u(at + (k << 1)), 16);
}

@inline function weight<T>(at: usize, k: usize): f32 {
  if (sizeof<T>() == 4) return load<f32>(at + (k << 2));
  return reinterpret<f32>(<u32>load<u16>(at + (k << 1)) << 16);
}

/** Adds the terms from `from` on to a stored sum. */
function addTail<T>(out: usize, x: usize, w: usize, from: usize, k: usize): void {
  let sum = load<f32>(out);
  for (let q = from; q < k; q++) sum += load<f32>(x + (q << 2)) * weight<T>(w, q);
  store<f32>(out, sum);
}

/** One row of x by eight rows of the weight. */
@inline function tile1x8<T>(out: usize, x: usize, w: usize, k: usize): void {
  const row = k * sizeof<T>();
  const whole = k & ~3;
  let a = splat(0);
  let b = a;
  let c = a;
  let d = a;
  let e = a;
  let f = a;
  let g = a;
  let h = a;
  const w1 = w + row;
  const w2 = w1 + row;
  const w3 = w2 + row;
  const w4 = w3 + row;
  const w5 = w4 + row;
  const w6 = w5 + row;
  const w7 = w6 + row;
  for (let q: usize = 0; q < whole; q += 4) {
    const y = v128.load(x + (q << 2));
    a = multiplyAdd(y, weights<T>(w, q), a);
    b = multiplyAdd(y, weights<T>(w1, q), b);
    c = multiplyAdd(y, weights<T>(w2, q), c);
    d = multiplyAdd(y, weights<T>(w3, q), d);
    e = multiplyAdd(y, weights<T>(w4, q), e);
    f = multiplyAdd(y, weights<T>(w5, q), f);
    g = multiplyAdd(y, weights<T>(w6, q), g);
    h = multiplyAdd(y, weights<T>(w7, q), h);
  }
  v128.store(out, sumLanes4(a, b, c, d));
  v128.store(out, sumLanes4(e, f, g, h), 16);
  if (whole < k) for (let r: usize = 0; r < 8; r++) addTail<T>(out + (r << 2), x, w + r * row, whole, k);
}

@inline function tile1x1<T>(out: usize, x: usize, w: usize, k: usize): void {
  const whole = k & ~3;
  let a = splat(0);
  for (let q: usize = 0; q < whole; q += 4) a = multiplyAdd(v128.load(x + (q << 2)), weights<T>(w, q), a);
  store<f32>(out, sumLanes(a));
  if (whole < k) addTail<T>(out, x, w, whole, k);
}

/** Two rows of x by four rows of the weight. */
@inline function tile2x4<T>(out: usize, stride: usize, x: usize, w: usize, k: usize): void {
  const row = k * sizeof<T>();
  const whole = k & ~3;
  const x1 = x + (k << 2);
  const w1 = w + row;
  const w2 = w1 + row;
  const w3 = w2 + row;
  let a = splat(0);
  let b = a;
  let c = a;
  let d = a;
  let e = a;
  let f = a;
  let g = a;
  let h = a;
  for (let q: usize = 0; q < whole; q += 4) {
    const y = v128.load(x + (q << 2));
    const z = v128.load(x1 + (q << 2));
    let v = weights<T>(w, q);
    a = multiplyAdd(y, v, a);
    e = multiplyAdd(z, v, e);
    v = weights<T>(w1, q);
    b = multiplyAdd(y, v, b);
    f = multiplyAdd(z, v, f);
    v = weights<T>(w2, q);
    c = multiplyAdd(y, v, c);
    g = multiplyAdd(z, v, g);
    v = weights<T>(w3, q);
    d = multiplyAdd(y, v, d);
    h = multiplyAdd(z, v, h);
  }
  v128.store(out, sumLanes4(a, b, c, d));
  v128.store(out + stride, sumLanes4(e, f, g, h));
  if (whole < k)
    for (let r: usize = 0; r < 4; r++) {
      addTail<T>(out + (r << 2), x, w + r * row, whole, k);
      addTail<T>(out + stride + (r << 2), x1, w + r * row, whole, k);
    }
}

/** Four rows of x by three rows of the weight. */
@inline function tile4x3<T>(out: usize, stride: usize, x: usize, w: usize, k: usize): void {
  const row = k * sizeof<T>();
  const whole = k & ~3;
  const x1 = x + (k << 2);
  const x2 = x1 + (k << 2);
  const x3 = x2 + (k << 2);
  const w1 = w + row;
  const w2 = w1 + row;
  let a0 = splat(0);
  let a1 = a0;
  let a2 = a0;
  let a3 = a0;
  let b0 = a0;
  let b1 = a0;
  let b2 = a0;
  let b3 = a0;
  let c0 = a0;
  let c1 = a0;
  let c2 = a0;
  let c3 = a0;
  for (let q: usize = 0; q < whole; q += 4) {
    const u = weights<T>(w, q);
    const v = weights<T>(w1, q);
    const z = weights<T>(w2, q);
    let y = v128.load(x + (q << 2));
    a0 = multiplyAdd(y, u, a0);
    b0 = multiplyAdd(y, v, b0);
    c0 = multiplyAdd(y, z, c0);
    y = v128.load(x1 + (q << 2));
    a1 = multiplyAdd(y, u, a1);
    b1 = multiplyAdd(y, v, b1);
    c1 = multiplyAdd(y, z, c1);
    y = v128.load(x2 + (q << 2));
    a2 = multiplyAdd(y, u, a2);
    b2 = multiplyAdd(y, v, b2);
    c2 = multiplyAdd(y, z, c2);
    y = v128.load(x3 + (q << 2));
    a3 = multiplyAdd(y, u, a3);
    b3 = multiplyAdd(y, v, b3);
    c3 = multiplyAdd(y, z, c3);
  }
  column4(out, stride, sumLanes4(a0, a1, a2, a3));
  column4(out + 4, stride, sumLanes4(b0, b1, b2, b3));
  column4(out + 8, stride, sumLanes4(c0, c1, c2, c3));
  if (whole < k)
    for (let r: usize = 0; r < 3; r++)
      for (let i: usize = 0; i < 4; i++)
        addTail<T>(out + i * stride + (r << 2), x + i * (k << 2), w + r * row, whole, k);
}

@inline function column4(out: usize, stride: usize, sums: v128): void {
  store<f32>(out, f32x4.extract_lane(sums, 0));
  store<f32>(out + stride, f32x4.extract_lane(sums, 1));
  store<f32>(out + 2 * stride, f32x4.extract_lane(sums, 2));
  store<f32>(out + 3 * stride, f32x4.extract_lane(sums, 3));
}

/** out[i][j] = x[i] · w[j] for m rows of x and n of the weight; `stride` is the bytes from one row of out to the next. */
export function dots<T>(out: usize, stride: usize, x: usize, w: usize, m: u32, n: u32, k: usize): void {
  const row = k * sizeof<T>();
  let i: u32 = 0;
  for (; i + 4 <= m; i += 4) {
    const from = x + <usize>i * (k << 2);
    const to = out + <usize>i * stride;
    let j: u32 = 0;
    for (; j + 3 <= n; j += 3) tile4x3<T>(to + (<usize>j << 2), stride, from, w + <usize>j * row, k);
    for (; j < n; j++)
      for (let r: usize = 0; r < 4; r++)
        tile1x1<T>(to + r * stride + (<usize>j << 2), from + r * (k << 2), w + <usize>j * row, k);
  }
  if (i + 2 <= m) {
    const from = x + <usize>i * (k << 2);
    const to = out + <usize>i * stride;
    let j: u32 = 0;
    for (; j + 4 <= n; j += 4) tile2x4<T>(to + (<usize>j << 2), stride, from, w + <usize>j * row, k);
    for (; j < n; j++)
      for (let r: usize = 0; r < 2; r++)
        tile1x1<T>(to + r * stride + (<usize>j << 2), from + r * (k << 2), w + <usize>j * row, k);
    i += 2;
  }
  if (i < m) {
    const from = x + <usize>i * (k << 2);
    const to = out + <usize>i * stride;
    let j: u32 = 0;
    for (; j + 8 <= n; j += 8) tile1x8<T>(to + (<usize>j << 2), from, w + <usize>j * row, k);
    for (; j < n; j++) tile1x1<T>(to + (<usize>j << 2), from, w + <usize>j * row, k);
  }
}
