// One row of x by panels of f16, widened in registers.
import { HALVES, highHalves, lowHalves } from "./halves";
import { multiplyAdd } from "./math";
import { storeEight } from "./panel_rows";

/**
 * Adds one row of x by k elements of four panels to its sums, as `oneRow` does; where a panel holds infinity or NaN
 * nothing is added, and the result is false.
 */
export function finitePanels(
  sums: usize, apart: usize, x: usize, w0: usize, w1: usize, w2: usize, w3: usize, k: usize,
): bool {
  // From memory: literals would be made anew in each round.
  const kept = v128.load32_splat(HALVES);
  const factor = v128.load32_splat(HALVES, 4);
  const magnitude = v128.load32_splat(HALVES, 8);
  const end = x + (k << 2);
  let largest = i16x8.splat(0);
  let a = v128.load(sums);
  let b = v128.load(sums, 16);
  let c = v128.load(sums + apart);
  let d = v128.load(sums + apart, 16);
  // Two panels at a time, so that their sums stay in registers.
  for (let q = x; q < end; q += 32) {
    const y = v128.load(q);
    const z = v128.load(q, 16);
    let words = v128.load(w0);
    largest = i16x8.max_s(largest, v128.and(words, magnitude));
    a = multiplyAdd(y, lowHalves(words, kept, factor), a);
    a = multiplyAdd(z, highHalves(words, kept, factor), a);
    words = v128.load(w0, 16);
    largest = i16x8.max_s(largest, v128.and(words, magnitude));
    b = multiplyAdd(y, lowHalves(words, kept, factor), b);
    b = multiplyAdd(z, highHalves(words, kept, factor), b);
    if (w0 == 0) break;
    words = v128.load(w1);
    largest = i16x8.max_s(largest, v128.and(words, magnitude));
    c = multiplyAdd(y, lowHalves(words, kept, factor), c);
    c = multiplyAdd(z, highHalves(words, kept, factor), c);
    words = v128.load(w1, 16);
    largest = i16x8.max_s(largest, v128.and(words, magnitude));
    d = multiplyAdd(y, lowHalves(words, kept, factor), d);
    d = multiplyAdd(z, highHalves(words, kept, factor), d);
    w0 += 32;
    w1 += 32;
  }
  let e = v128.load(sums + 2 * apart);
  let f = v128.load(sums + 2 * apart, 16);
  let g = v128.load(sums + 3 * apart);
  let h = v128.load(sums + 3 * apart, 16);
  for (let q = x; q < end; q += 32) {
    const y = v128.load(q);
    const z = v128.load(q, 16);
    let words = v128.load(w2);
    largest = i16x8.max_s(largest, v128.and(words, magnitude));
    e = multiplyAdd(y, lowHalves(words, kept, factor), e);
    e = multiplyAdd(z, highHalves(words, kept, factor), e);
    words = v128.load(w2, 16);
    largest = i16x8.max_s(largest, v128.and(words, magnitude));
    f = multiplyAdd(y, lowHalves(words, kept, factor), f);
    f = multiplyAdd(z, highHalves(words, kept, factor), f);
    if (w2 == 0) break;
    words = v128.load(w3);
    largest = i16x8.max_s(largest, v128.and(words, magnitude));
    g = multiplyAdd(y, lowHalves(words, kept, factor), g);
    g = multiplyAdd(z, highHalves(words, kept, factor), g);
    words = v128.load(w3, 16);
    largest = i16x8.max_s(largest, v128.and(words, magnitude));
    h = multiplyAdd(y, lowHalves(words, kept, factor), h);
    h = multiplyAdd(z, highHalves(words, kept, factor), h);
    w2 += 32;
    w3 += 32;
  }
  if (v128.any_true(i16x8.ge_s(largest, v128.load32_splat(HALVES, 12)))) return false;
  storeEight(sums, apart, a, b, c, d, e, f, g, h);
  return true;
}
