// One row of x by a panel of f16, widened in registers.
import { HALVES, highHalves, lowHalves } from "./halves";
import { multiplyAdd, splat, sumLanes4 } from "./math";

/** out[4] = one row of x by the panel, in the order of `panels.ts`; false where the panel holds infinity or NaN. */
export function finitePanel(out: usize, x: usize, w: usize, k: usize): bool {
  // From memory: literals would be made anew in each round.
  const kept = v128.load32_splat(HALVES);
  const factor = v128.load32_splat(HALVES, 4);
  const magnitude = v128.load32_splat(HALVES, 8);
  const end = x + (k << 2);
  let largest = i16x8.splat(0);
  let a = splat(0);
  let b = a;
  let e = a;
  let f = a;
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
  a = f32x4.add(a, e);
  b = f32x4.add(b, f);
  let c = splat(0);
  let d = c;
  e = c;
  f = c;
  from = w + 32;
  for (let q = x; q < end; q += 32) {
    const y = v128.load(q);
    const z = v128.load(q, 16);
    let words = v128.load(from);
    largest = i16x8.max_s(largest, v128.and(words, magnitude));
    c = multiplyAdd(y, lowHalves(words, kept, factor), c);
    e = multiplyAdd(z, highHalves(words, kept, factor), e);
    words = v128.load(from, 16);
    largest = i16x8.max_s(largest, v128.and(words, magnitude));
    d = multiplyAdd(y, lowHalves(words, kept, factor), d);
    f = multiplyAdd(z, highHalves(words, kept, factor), f);
    from += 64;
  }
  v128.store(out, sumLanes4(a, b, f32x4.add(c, e), f32x4.add(d, f)));
  return !v128.any_true(i16x8.ge_s(largest, v128.load32_splat(HALVES, 12)));
}
