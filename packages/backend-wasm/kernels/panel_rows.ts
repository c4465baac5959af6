// Rows of x by rows of a panel; see `panels.ts` for how they lie. What each function adds to are sums, 128 bytes for a
// row of x by the four rows of a panel: for each of these a vector for the first four of every 8 elements, then one for
// the last four.
//
// V8 puts all loads of a block before its arithmetic, so a loop keeps its sums in registers only if they and everything
// that one turn loads fit 15 of them: hence the first and the last four in loops of their own. Two sums at a time would
// wait for each other; eight keep the processor's multipliers busy.
import { multiplyAdd } from "./math";

/** Bytes that 8 elements of one row take. */
@inline function eight<T>(): usize {
  return sizeof<T>() << 3;
}

@inline function upperHalves(words: v128): v128 {
  return i32x4.shl(i32x4.shr_u(words, 16), 16);
}

/** The first or the last four of 8 elements; a word of bf16 holds elements k (its lower half) and k + 4. */
@inline function four<T>(last: bool, at: usize): v128 {
  if (sizeof<T>() == 4) return last ? v128.load(at, 16) : v128.load(at);
  return last ? upperHalves(v128.load(at)) : i32x4.shl(v128.load(at), 16);
}

/** Four rows of x, which lie together by 4 elements, by two of a panel. */
@inline function fourByTwo<T>(last: bool, sums: usize, x: usize, w: usize, k: usize): void {
  let a0 = v128.load(sums);
  let b0 = v128.load(sums, 16);
  let a1 = v128.load(sums, 128);
  let b1 = v128.load(sums, 144);
  let a2 = v128.load(sums, 256);
  let b2 = v128.load(sums, 272);
  let a3 = v128.load(sums, 384);
  let b3 = v128.load(sums, 400);
  for (const end = x + (k << 4); x < end; x += 128) {
    const u = four<T>(last, w);
    const v = four<T>(last, w + eight<T>());
    let y = v128.load(x);
    a0 = multiplyAdd(y, u, a0);
    b0 = multiplyAdd(y, v, b0);
    y = v128.load(x, 16);
    a1 = multiplyAdd(y, u, a1);
    b1 = multiplyAdd(y, v, b1);
    y = v128.load(x, 32);
    a2 = multiplyAdd(y, u, a2);
    b2 = multiplyAdd(y, v, b2);
    y = v128.load(x, 48);
    a3 = multiplyAdd(y, u, a3);
    b3 = multiplyAdd(y, v, b3);
    w += eight<T>() << 2;
  }
  v128.store(sums, a0);
  v128.store(sums, b0, 16);
  v128.store(sums, a1, 128);
  v128.store(sums, b1, 144);
  v128.store(sums, a2, 256);
  v128.store(sums, b2, 272);
  v128.store(sums, a3, 384);
  v128.store(sums, b3, 400);
}

/** Two rows of x, `next` bytes apart, by a panel. */
@inline function twoByFour<T>(last: bool, sums: usize, x: usize, next: usize, w: usize, k: usize): void {
  let a0 = v128.load(sums);
  let b0 = v128.load(sums, 16);
  let c0 = v128.load(sums, 32);
  let d0 = v128.load(sums, 48);
  let a1 = v128.load(sums, 128);
  let b1 = v128.load(sums, 144);
  let c1 = v128.load(sums, 160);
  let d1 = v128.load(sums, 176);
  for (const end = x + (k << 2); x < end; x += 32) {
    const y = v128.load(x);
    const z = v128.load(x + next);
    let v = four<T>(last, w);
    a0 = multiplyAdd(y, v, a0);
    a1 = multiplyAdd(z, v, a1);
    v = four<T>(last, w + eight<T>());
    b0 = multiplyAdd(y, v, b0);
    b1 = multiplyAdd(z, v, b1);
    v = four<T>(last, w + 2 * eight<T>());
    c0 = multiplyAdd(y, v, c0);
    c1 = multiplyAdd(z, v, c1);
    v = four<T>(last, w + 3 * eight<T>());
    d0 = multiplyAdd(y, v, d0);
    d1 = multiplyAdd(z, v, d1);
    w += eight<T>() << 2;
  }
  v128.store(sums, a0);
  v128.store(sums, b0, 16);
  v128.store(sums, c0, 32);
  v128.store(sums, d0, 48);
  v128.store(sums, a1, 128);
  v128.store(sums, b1, 144);
  v128.store(sums, c1, 160);
  v128.store(sums, d1, 176);
}

/** One row of x by a panel of f32. */
@inline function wideOne(sums: usize, x: usize, w: usize, k: usize): void {
  let a = v128.load(sums);
  let b = v128.load(sums, 16);
  let c = v128.load(sums, 32);
  let d = v128.load(sums, 48);
  for (const end = x + (k << 2); x < end; x += 32) {
    const y = v128.load(x);
    a = multiplyAdd(y, v128.load(w), a);
    b = multiplyAdd(y, v128.load(w, 32), b);
    c = multiplyAdd(y, v128.load(w, 64), c);
    d = multiplyAdd(y, v128.load(w, 96), d);
    w += 128;
  }
  v128.store(sums, a);
  v128.store(sums, b, 16);
  v128.store(sums, c, 32);
  v128.store(sums, d, 48);
}

/** One row of x by a panel of bf16, the first and the last four at once. */
function narrowOne(sums: usize, x: usize, w: usize, k: usize): void {
  let a = v128.load(sums);
  let b = v128.load(sums, 16);
  let c = v128.load(sums, 32);
  let d = v128.load(sums, 48);
  let e = v128.load(sums, 64);
  let f = v128.load(sums, 80);
  let g = v128.load(sums, 96);
  let h = v128.load(sums, 112);
  for (const end = x + (k << 2); x < end; x += 32) {
    const y = v128.load(x);
    const z = v128.load(x, 16);
    const w0 = v128.load(w);
    const w1 = v128.load(w, 16);
    const w2 = v128.load(w, 32);
    const w3 = v128.load(w, 48);
    a = multiplyAdd(y, i32x4.shl(w0, 16), a);
    e = multiplyAdd(z, upperHalves(w0), e);
    b = multiplyAdd(y, i32x4.shl(w1, 16), b);
    f = multiplyAdd(z, upperHalves(w1), f);
    c = multiplyAdd(y, i32x4.shl(w2, 16), c);
    g = multiplyAdd(z, upperHalves(w2), g);
    d = multiplyAdd(y, i32x4.shl(w3, 16), d);
    h = multiplyAdd(z, upperHalves(w3), h);
    w += 64;
  }
  v128.store(sums, a);
  v128.store(sums, b, 16);
  v128.store(sums, c, 32);
  v128.store(sums, d, 48);
  v128.store(sums, e, 64);
  v128.store(sums, f, 80);
  v128.store(sums, g, 96);
  v128.store(sums, h, 112);
}

function fourRows<T>(sums: usize, x: usize, w: usize, k: usize): void {
  fourByTwo<T>(false, sums, x, w, k);
  fourByTwo<T>(true, sums + 64, x + 64, w, k);
  fourByTwo<T>(false, sums + 32, x, w + 2 * eight<T>(), k);
  fourByTwo<T>(true, sums + 96, x + 64, w + 2 * eight<T>(), k);
}

function twoRows<T>(sums: usize, x: usize, next: usize, w: usize, k: usize): void {
  twoByFour<T>(false, sums, x, next, w, k);
  twoByFour<T>(true, sums + 64, x + 16, next, w, k);
}

function oneRow<T>(sums: usize, x: usize, w: usize, k: usize): void {
  if (sizeof<T>() == 2) return narrowOne(sums, x, w, k);
  wideOne(sums, x, w, k);
  wideOne(sums + 64, x + 16, w + 16, k);
}

/**
 * m rows of x by k elements of a panel, as T: u16 for bf16. Rows of x are `row` bytes apart; `packed` has the same by
 * fours.
 */
export function multiplyPanel<T>(sums: usize, x: usize, packed: usize, row: usize, w: usize, m: usize, k: usize): void {
  let i: usize = 0;
  for (; i + 4 <= m; i += 4) fourRows<T>(sums + (i << 7), packed + i * row, w, k);
  if (i + 2 <= m) {
    twoRows<T>(sums + (i << 7), x + i * row, row, w, k);
    i += 2;
  }
  if (i < m) oneRow<T>(sums + (i << 7), x + i * row, w, k);
}
