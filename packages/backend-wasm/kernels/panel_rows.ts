// Rows of x by panels of a weight; see `panels.ts` for how they lie. Each function goes over k elements and adds to sums:
// 32 bytes for a row of x by a panel, a vector for each of its two rows.
//
// V8 puts all loads of a block before its arithmetic, so that sums stay in registers only if they and what a block loads
// fit 15 of them. No address is 0, and to look whether one is ends a block: that costs less than registers that spill.
// Where a value is read again in the next block it is by an address of its own (`again`), or V8 would keep the first.
// Eight sums at a time keep the processor's multipliers busy, for each waits for itself.
import { multiplyAdd } from "./math";

/** Bytes that 8 elements of one row take. */
@inline export function eight<T>(): usize {
  return sizeof<T>() << 3;
}

@inline function upperHalves(words: v128): v128 {
  return i32x4.shl(i32x4.shr_u(words, 16), 16);
}

/** The first or the last four of 8 elements; a word of bf16 holds elements k (its lower half) and k + 4. */
@inline export function four<T>(last: bool, at: usize): v128 {
  if (sizeof<T>() == 4) return last ? v128.load(at, 16) : v128.load(at);
  return last ? upperHalves(v128.load(at)) : i32x4.shl(v128.load(at), 16);
}

/** Stores sums by pairs, `apart` bytes from each other. */
@inline export function storeEight(
  sums: usize, apart: usize, a: v128, b: v128, c: v128, d: v128, e: v128, f: v128, g: v128, h: v128,
): void {
  v128.store(sums, a);
  v128.store(sums, b, 16);
  v128.store(sums + apart, c);
  v128.store(sums + apart, d, 16);
  v128.store(sums + 2 * apart, e);
  v128.store(sums + 2 * apart, f, 16);
  v128.store(sums + 3 * apart, g);
  v128.store(sums + 3 * apart, h, 16);
}

/** One row of x by four panels, whose sums are `apart` bytes from each other. */
export function oneRow<T>(sums: usize, apart: usize, x: usize, w0: usize, w1: usize, w2: usize, w3: usize, k: usize): void {
  let a = v128.load(sums);
  let b = v128.load(sums, 16);
  let c = v128.load(sums + apart);
  let d = v128.load(sums + apart, 16);
  let e = v128.load(sums + 2 * apart);
  let f = v128.load(sums + 2 * apart, 16);
  let g = v128.load(sums + 3 * apart);
  let h = v128.load(sums + 3 * apart, 16);
  for (const end = x + (k << 2); x < end; ) {
    if (sizeof<T>() == 4) {
      let y = v128.load(x);
      a = multiplyAdd(y, v128.load(w0), a);
      b = multiplyAdd(y, v128.load(w0, 32), b);
      c = multiplyAdd(y, v128.load(w1), c);
      d = multiplyAdd(y, v128.load(w1, 32), d);
      if (w0 == 0) break;
      e = multiplyAdd(y, v128.load(w2), e);
      f = multiplyAdd(y, v128.load(w2, 32), f);
      g = multiplyAdd(y, v128.load(w3), g);
      h = multiplyAdd(y, v128.load(w3, 32), h);
      if (w1 == 0) break;
      y = v128.load(x, 16);
      a = multiplyAdd(y, v128.load(w0, 16), a);
      b = multiplyAdd(y, v128.load(w0, 48), b);
      c = multiplyAdd(y, v128.load(w1, 16), c);
      d = multiplyAdd(y, v128.load(w1, 48), d);
      if (w2 == 0) break;
      e = multiplyAdd(y, v128.load(w2, 16), e);
      f = multiplyAdd(y, v128.load(w2, 48), f);
      g = multiplyAdd(y, v128.load(w3, 16), g);
      h = multiplyAdd(y, v128.load(w3, 48), h);
    } else {
      const y = v128.load(x);
      const z = v128.load(x, 16);
      let u = v128.load(w0);
      let v = v128.load(w0, 16);
      a = multiplyAdd(z, upperHalves(u), multiplyAdd(y, i32x4.shl(u, 16), a));
      b = multiplyAdd(z, upperHalves(v), multiplyAdd(y, i32x4.shl(v, 16), b));
      u = v128.load(w1);
      v = v128.load(w1, 16);
      c = multiplyAdd(z, upperHalves(u), multiplyAdd(y, i32x4.shl(u, 16), c));
      d = multiplyAdd(z, upperHalves(v), multiplyAdd(y, i32x4.shl(v, 16), d));
      if (w0 == 0) break;
      u = v128.load(w2);
      v = v128.load(w2, 16);
      e = multiplyAdd(z, upperHalves(u), multiplyAdd(y, i32x4.shl(u, 16), e));
      f = multiplyAdd(z, upperHalves(v), multiplyAdd(y, i32x4.shl(v, 16), f));
      u = v128.load(w3);
      v = v128.load(w3, 16);
      g = multiplyAdd(z, upperHalves(u), multiplyAdd(y, i32x4.shl(u, 16), g));
      h = multiplyAdd(z, upperHalves(v), multiplyAdd(y, i32x4.shl(v, 16), h));
    }
    x += 32;
    w0 += 2 * eight<T>();
    w1 += 2 * eight<T>();
    w2 += 2 * eight<T>();
    w3 += 2 * eight<T>();
  }
  storeEight(sums, apart, a, b, c, d, e, f, g, h);
}

/** Two rows of x, `next` bytes from each other, by two panels, whose sums are `apart` bytes from each other. */
export function twoRows<T>(sums: usize, apart: usize, x: usize, next: usize, w0: usize, w1: usize, again0: usize, again1: usize, k: usize): void {
  let a0 = v128.load(sums);
  let b0 = v128.load(sums, 16);
  let a1 = v128.load(sums, 32);
  let b1 = v128.load(sums, 48);
  let c0 = v128.load(sums + apart);
  let d0 = v128.load(sums + apart, 16);
  let c1 = v128.load(sums + apart, 32);
  let d1 = v128.load(sums + apart, 48);
  for (const end = x + (k << 2); x < end; ) {
    let y = v128.load(x);
    let z = v128.load(x + next);
    let v = four<T>(false, w0);
    a0 = multiplyAdd(y, v, a0);
    a1 = multiplyAdd(z, v, a1);
    v = four<T>(false, w0 + eight<T>());
    b0 = multiplyAdd(y, v, b0);
    b1 = multiplyAdd(z, v, b1);
    v = four<T>(false, w1);
    c0 = multiplyAdd(y, v, c0);
    c1 = multiplyAdd(z, v, c1);
    v = four<T>(false, w1 + eight<T>());
    d0 = multiplyAdd(y, v, d0);
    d1 = multiplyAdd(z, v, d1);
    if (x == 0) break;
    y = v128.load(x, 16);
    z = v128.load(x + next, 16);
    v = four<T>(true, again0);
    a0 = multiplyAdd(y, v, a0);
    a1 = multiplyAdd(z, v, a1);
    v = four<T>(true, again0 + eight<T>());
    b0 = multiplyAdd(y, v, b0);
    b1 = multiplyAdd(z, v, b1);
    v = four<T>(true, again1);
    c0 = multiplyAdd(y, v, c0);
    c1 = multiplyAdd(z, v, c1);
    v = four<T>(true, again1 + eight<T>());
    d0 = multiplyAdd(y, v, d0);
    d1 = multiplyAdd(z, v, d1);
    x += 32;
    w0 += 2 * eight<T>();
    w1 += 2 * eight<T>();
    again0 += 2 * eight<T>();
    again1 += 2 * eight<T>();
  }
  v128.store(sums, a0);
  v128.store(sums, b0, 16);
  v128.store(sums, a1, 32);
  v128.store(sums, b1, 48);
  v128.store(sums + apart, c0);
  v128.store(sums + apart, d0, 16);
  v128.store(sums + apart, c1, 32);
  v128.store(sums + apart, d1, 48);
}

/** Three rows of x, which lie together by 4 elements, by a panel. */
@inline function threeRows<T>(sums: usize, x: usize, w: usize, k: usize): void {
  let a0 = v128.load(sums);
  let b0 = v128.load(sums, 16);
  let a1 = v128.load(sums, 32);
  let b1 = v128.load(sums, 48);
  let a2 = v128.load(sums, 64);
  let b2 = v128.load(sums, 80);
  for (const end = x + k * 12; x < end; ) {
    let u = four<T>(false, w);
    let v = four<T>(false, w + eight<T>());
    let y = v128.load(x);
    a0 = multiplyAdd(y, u, a0);
    b0 = multiplyAdd(y, v, b0);
    y = v128.load(x, 16);
    a1 = multiplyAdd(y, u, a1);
    b1 = multiplyAdd(y, v, b1);
    y = v128.load(x, 32);
    a2 = multiplyAdd(y, u, a2);
    b2 = multiplyAdd(y, v, b2);
    if (x == 0) break;
    u = four<T>(true, w);
    v = four<T>(true, w + eight<T>());
    y = v128.load(x, 48);
    a0 = multiplyAdd(y, u, a0);
    b0 = multiplyAdd(y, v, b0);
    y = v128.load(x, 64);
    a1 = multiplyAdd(y, u, a1);
    b1 = multiplyAdd(y, v, b1);
    y = v128.load(x, 80);
    a2 = multiplyAdd(y, u, a2);
    b2 = multiplyAdd(y, v, b2);
    x += 96;
    w += 2 * eight<T>();
  }
  v128.store(sums, a0);
  v128.store(sums, b0, 16);
  v128.store(sums, a1, 32);
  v128.store(sums, b1, 48);
  v128.store(sums, a2, 64);
  v128.store(sums, b2, 80);
}

/** Four rows. */
@inline function fourRows<T>(sums: usize, x: usize, w: usize, again: usize, k: usize): void {
  let a0 = v128.load(sums);
  let b0 = v128.load(sums, 16);
  let a1 = v128.load(sums, 32);
  let b1 = v128.load(sums, 48);
  let a2 = v128.load(sums, 64);
  let b2 = v128.load(sums, 80);
  let a3 = v128.load(sums, 96);
  let b3 = v128.load(sums, 112);
  for (const end = x + (k << 4); x < end; ) {
    let u = four<T>(false, w);
    let v = four<T>(false, w + eight<T>());
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
    if (x == 0) break;
    u = four<T>(true, again);
    v = four<T>(true, again + eight<T>());
    y = v128.load(x, 64);
    a0 = multiplyAdd(y, u, a0);
    b0 = multiplyAdd(y, v, b0);
    y = v128.load(x, 80);
    a1 = multiplyAdd(y, u, a1);
    b1 = multiplyAdd(y, v, b1);
    y = v128.load(x, 96);
    a2 = multiplyAdd(y, u, a2);
    b2 = multiplyAdd(y, v, b2);
    y = v128.load(x, 112);
    a3 = multiplyAdd(y, u, a3);
    b3 = multiplyAdd(y, v, b3);
    x += 128;
    w += 2 * eight<T>();
    again += 2 * eight<T>();
  }
  storeEight(sums, 32, a0, b0, a1, b1, a2, b2, a3, b3);
}

/** Five rows. */
@inline function fiveRows<T>(sums: usize, x: usize, w: usize, again: usize, k: usize): void {
  let a0 = v128.load(sums);
  let b0 = v128.load(sums, 16);
  let a1 = v128.load(sums, 32);
  let b1 = v128.load(sums, 48);
  let a2 = v128.load(sums, 64);
  let b2 = v128.load(sums, 80);
  let a3 = v128.load(sums, 96);
  let b3 = v128.load(sums, 112);
  let a4 = v128.load(sums, 128);
  let b4 = v128.load(sums, 144);
  for (const end = x + k * 20; x < end; ) {
    let u = four<T>(false, w);
    let v = four<T>(false, w + eight<T>());
    let y = v128.load(x);
    a0 = multiplyAdd(y, u, a0);
    b0 = multiplyAdd(y, v, b0);
    y = v128.load(x, 16);
    a1 = multiplyAdd(y, u, a1);
    b1 = multiplyAdd(y, v, b1);
    y = v128.load(x, 32);
    a2 = multiplyAdd(y, u, a2);
    b2 = multiplyAdd(y, v, b2);
    x += 48;
    if (x == 0) break;
    u = four<T>(false, w);
    v = four<T>(false, w + eight<T>());
    y = v128.load(x);
    a3 = multiplyAdd(y, u, a3);
    b3 = multiplyAdd(y, v, b3);
    y = v128.load(x, 16);
    a4 = multiplyAdd(y, u, a4);
    b4 = multiplyAdd(y, v, b4);
    x += 32;
    if (x == 0) break;
    u = four<T>(true, again);
    v = four<T>(true, again + eight<T>());
    y = v128.load(x);
    a0 = multiplyAdd(y, u, a0);
    b0 = multiplyAdd(y, v, b0);
    y = v128.load(x, 16);
    a1 = multiplyAdd(y, u, a1);
    b1 = multiplyAdd(y, v, b1);
    y = v128.load(x, 32);
    a2 = multiplyAdd(y, u, a2);
    b2 = multiplyAdd(y, v, b2);
    x += 48;
    if (x == 0) break;
    u = four<T>(true, again);
    v = four<T>(true, again + eight<T>());
    y = v128.load(x);
    a3 = multiplyAdd(y, u, a3);
    b3 = multiplyAdd(y, v, b3);
    y = v128.load(x, 16);
    a4 = multiplyAdd(y, u, a4);
    b4 = multiplyAdd(y, v, b4);
    x += 32;
    w += 2 * eight<T>();
    again += 2 * eight<T>();
  }
  v128.store(sums, a0);
  v128.store(sums, b0, 16);
  v128.store(sums, a1, 32);
  v128.store(sums, b1, 48);
  v128.store(sums, a2, 64);
  v128.store(sums, b2, 80);
  v128.store(sums, a3, 96);
  v128.store(sums, b3, 112);
  v128.store(sums, a4, 128);
  v128.store(sums, b4, 144);
}

/** How many of so many rows, three at least, are multiplied together: fives are fastest, and threes slowest. */
@inline export function groupOf(rows: usize): usize {
  if (rows == 3 || rows == 6) return 3;
  return rows > 16 || rows % 5 == 0 || (rows > 4 && rows % 5 == 4) ? 5 : 4;
}

/** Three to five rows of x, which lie together by 4 elements, by k elements of a panel. */
@inline export function rowsTogether<T>(sums: usize, x: usize, w: usize, m: usize, k: usize): void {
  if (m == 5) fiveRows<T>(sums, x, w, w, k);
  else if (m == 4) fourRows<T>(sums, x, w, w, k);
  else threeRows<T>(sums, x, w, k);
}

/** m rows of x, three at least, by k elements of a panel; `packed` has them by groups, rows of `row` bytes each. */
export function manyRows<T>(sums: usize, packed: usize, row: usize, q: usize, w: usize, m: usize, k: usize): void {
  for (let left = m; left > 0; ) {
    const group = groupOf(left);
    const x = packed + group * (q << 2);
    rowsTogether<T>(sums, x, w, group, k);
    packed += group * row;
    sums += group << 5;
    left -= group;
  }
}
