// One row of x by a panel of f16, widened in registers.
import { HALVES, highHalves, lowHalves } from "./halves";
import { multiplyAdd } from "./math";

/**
 * Adds one row of x by k elements of a panel to its sums, as `panel_rows.ts` has them; where the panel holds infinity
 * or NaN nothing is added, and the result is false.
 */
export function finitePanel(sums: usize, x: usize, w: usize, k: usize): bool {
  // From memory: literals would be made anew in each round.
  const kept = v128.load32_splat(HALVES);
  const factor = v128.load32_splat(HALVES, 4);
  const magnitude = v128.load32_splat(HALVES, 8);
  const end = x + (k << 2);
  let largest = i16x8.splat(0);
  let a = v128.load(sums);
  let b = v128.load(sums, 16);
  let e = v128.load(sums, 64);
  let f = v128.load(sums, 80);
  let from = w;
  // Two rows at a time, so that their sums stay in registers.
  for (let q = x; q < end; q += 32) {
    const y = v128.load(q);
    const z = v128.load(q, 16);
    let words = v128.load(from);
    largest = i16x8.max_s(largest, v128.and(words, magnitude));
    a = multiplyAdd(y, lowHalves(words, kept, factor), a);
    e = multiplyAdd(z, highHalves(words, kept, factor), e);
    words = v128.load(from, 16);
    largest = i16x8.max_s(largest, v128.and(words, magnitude));
    b = multiplyAdd(y, lowHalves(words, kept, factor), b);
    f = multiplyAdd(z, highHalves(words, kept, factor), f);
    from += 64;
  }
  let c = v128.load(sums, 32);
  let d = v128.load(sums, 48);
  let g = v128.load(sums, 96);
  let h = v128.load(sums, 112);
  from = w + 32;
  for (let q = x; q < end; q += 32) {
    const y = v128.load(q);
    const z = v128.load(q, 16);
    let words = v128.load(from);
    largest = i16x8.max_s(largest, v128.and(words, magnitude));
    c = multiplyAdd(y, lowHalves(words, kept, factor), c);
    g = multiplyAdd(z, highHalves(words, kept, factor), g);
    words = v128.load(from, 16);
    largest = i16x8.max_s(largest, v128.and(words, magnitude));
    d = multiplyAdd(y, lowHalves(words, kept, factor), d);
    h = multiplyAdd(z, highHalves(words, kept, factor), h);
    from += 64;
  }
  if (v128.any_true(i16x8.ge_s(largest, v128.load32_splat(HALVES, 12)))) return false;
  v128.store(sums, a);
  v128.store(sums, b, 16);
  v128.store(sums, c, 32);
  v128.store(sums, d, 48);
  v128.store(sums, e, 64);
  v128.store(sums, f, 80);
  v128.store(sums, g, 96);
  v128.store(sums, h, 112);
  return true;
}
