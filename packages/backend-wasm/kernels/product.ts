// Matrix products: linear and gated_linear with their epilogues, and matmul of stacks.
import * as ids from "../src/ids";
import { dots } from "./dots";
import { geluTanh4, multiplyAdd, silu4, splat } from "./math";
import { minOf, operand, word } from "./step";

/** Rows of the weight that stay in the cache while all rows of x pass over them. */
const ROWS: u32 = 48;

/**
 * Words: out (2), x (2), weight (2), bias (2), residual (2), m, n, k, activation, whether there are a bias, a residual
 * and a gate, dtype of the weight. Units are columns of out. Scratch for a gate: m rows of 48 floats.
 */
export function linear(p: usize, begin: u32, end: u32, scratch: usize): void {
  const m = word(p, ids.HEADER + 10);
  const n = word(p, ids.HEADER + 11);
  const k = <usize>word(p, ids.HEADER + 12);
  const activation = word(p, ids.HEADER + 13);
  const hasBias = word(p, ids.HEADER + 14) != 0;
  const hasResidual = word(p, ids.HEADER + 15) != 0;
  const gated = word(p, ids.HEADER + 16) != 0;
  const narrow = word(p, ids.HEADER + 17) == ids.BF16;
  const out = operand(p, ids.HEADER);
  const x = operand(p, ids.HEADER + 2);
  const w = operand(p, ids.HEADER + 4);
  const bias = hasBias ? operand(p, ids.HEADER + 6) : 0;
  const residual = hasResidual ? operand(p, ids.HEADER + 8) : 0;
  const row = narrow ? k << 1 : k << 2;
  const stride = <usize>n << 2;
  for (let j = begin; j < end; j += ROWS) {
    const columns = minOf(ROWS, end - j);
    const to = out + (<usize>j << 2);
    multiply(narrow, to, stride, x, w + <usize>j * row, m, columns, k);
    if (gated) multiply(narrow, scratch, <usize>ROWS << 2, x, w + <usize>(n + j) * row, m, columns, k);
    if (!gated && !hasBias && !hasResidual && activation == ids.NO_ACTIVATION) continue;
    for (let i: usize = 0; i < <usize>m; i++)
      finish(
        to + i * stride,
        gated ? scratch + i * (<usize>ROWS << 2) : 0,
        hasBias ? bias + (<usize>j << 2) : 0,
        hasBias ? bias + (<usize>(n + j) << 2) : 0,
        hasResidual ? residual + i * stride + (<usize>j << 2) : 0,
        activation,
        columns,
      );
  }
}

/** Zeros in a multiple of 64 bytes; `memory.fill` calls out of the module, which takes longer than a few rows do. */
export function clear(at: usize, bytes: usize): void {
  const zero = splat(0);
  for (const end = at + bytes; at < end; at += 64) {
    v128.store(at, zero);
    v128.store(at, zero, 16);
    v128.store(at, zero, 32);
    v128.store(at, zero, 48);
  }
}

/** Copies n floats, in whole vectors where they are; `memory.copy` calls out of the module. */
export function copy(to: usize, from: usize, n: usize): void {
  let k: usize = 0;
  for (; k + 16 <= n << 2; k += 16) v128.store(to + k, v128.load(from + k));
  for (; k < n << 2; k += 4) store<f32>(to + k, load<f32>(from + k));
}

/** The epilogue of n columns of one row, in place; addresses of what there is not are 0. */
export function finish(out: usize, up: usize, bias: usize, upBias: usize, residual: usize, activation: u32, n: u32): void {
  if (bias != 0) add(out, bias, n);
  if (activation != ids.NO_ACTIVATION) activate(activation, out, n);
  if (up != 0) {
    if (bias != 0) add(up, upBias, n);
    scale(out, up, n);
  }
  if (residual != 0) add(out, residual, n);
}

function multiply(narrow: bool, out: usize, stride: usize, x: usize, w: usize, m: u32, n: u32, k: usize): void {
  if (narrow) dots<u16>(out, stride, x, w, m, n, k);
  else dots<f32>(out, stride, x, w, m, n, k);
}

function add(out: usize, y: usize, n: u32): void {
  let k: usize = 0;
  for (; k + 16 <= <usize>n << 2; k += 16) v128.store(out + k, f32x4.add(v128.load(out + k), v128.load(y + k)));
  for (; k < <usize>n << 2; k += 4) store<f32>(out + k, load<f32>(out + k) + load<f32>(y + k));
}

function scale(out: usize, y: usize, n: u32): void {
  let k: usize = 0;
  for (; k + 16 <= <usize>n << 2; k += 16) v128.store(out + k, f32x4.mul(v128.load(out + k), v128.load(y + k)));
  for (; k < <usize>n << 2; k += 4) store<f32>(out + k, load<f32>(out + k) * load<f32>(y + k));
}

function activation4(activation: u32, x: v128): v128 {
  if (activation == ids.SILU) return silu4(x);
  return activation == ids.RELU ? f32x4.max(x, splat(0)) : geluTanh4(x);
}

function activate(activation: u32, out: usize, n: u32): void {
  let k: usize = 0;
  for (; k + 16 <= <usize>n << 2; k += 16) v128.store(out + k, activation4(activation, v128.load(out + k)));
  for (; k < <usize>n << 2; k += 4)
    store<f32>(out + k, f32x4.extract_lane(activation4(activation, splat(load<f32>(out + k))), 0));
}

/**
 * Words: out (2), a (2), b (2), m, n, k, whether b is transposed, then for each stack of out the stacks of a and b.
 * Units are rows of out.
 */
export function matmul(p: usize, begin: u32, end: u32): void {
  const out = operand(p, ids.HEADER);
  const a = operand(p, ids.HEADER + 2);
  const b = operand(p, ids.HEADER + 4);
  const m = word(p, ids.HEADER + 6);
  const n = word(p, ids.HEADER + 7);
  const k = word(p, ids.HEADER + 8);
  const transposed = word(p, ids.HEADER + 9) != 0;
  for (let unit = begin; unit < end; unit++) {
    const stack = unit / m;
    const x = a + (<usize>((word(p, ids.HEADER + 10 + 2 * stack) * m + (unit % m)) * k) << 2);
    const y = b + (<usize>(word(p, ids.HEADER + 11 + 2 * stack) * n * k) << 2);
    const to = out + (<usize>(unit * n) << 2);
    if (transposed) dots<f32>(to, 0, x, y, 1, n, k);
    else combineRows(to, x, y, n, k);
  }
}

/** out = sum over q of x[q] · y[q], q rising; y has k rows of n. */
function combineRows(out: usize, x: usize, y: usize, n: u32, k: u32): void {
  const stride = <usize>n << 2;
  let j: usize = 0;
  for (; j + 64 <= stride; j += 64) {
    let a = splat(0);
    let b = a;
    let c = a;
    let d = a;
    let at = y + j;
    for (let q: usize = 0; q < <usize>k << 2; q += 4) {
      const s = v128.load32_splat(x + q);
      a = multiplyAdd(s, v128.load(at), a);
      b = multiplyAdd(s, v128.load(at, 16), b);
      c = multiplyAdd(s, v128.load(at, 32), c);
      d = multiplyAdd(s, v128.load(at, 48), d);
      at += stride;
    }
    v128.store(out + j, a);
    v128.store(out + j, b, 16);
    v128.store(out + j, c, 32);
    v128.store(out + j, d, 48);
  }
  for (; j < stride; j += 4) {
    let a = splat(0);
    let at = y + j;
    for (let q: usize = 0; q < <usize>k << 2; q += 4) {
      a = multiplyAdd(v128.load32_splat(x + q), v128.load32_splat(at), a);
      at += stride;
    }
    store<f32>(out + j, f32x4.extract_lane(a, 0));
  }
}
