// Folds along one axis. Sums run in f64 in index order, as the meaning of the ops says.
import * as ids from "../src/ids";
import { operand, word } from "./step";

@inline function at(source: usize, isInteger: bool): f64 {
  return isInteger ? <f64>load<i32>(source) : <f64>load<f32>(source);
}

@inline function put(out: usize, isInteger: bool, x: f64): void {
  // Sums of integers wrap.
  if (isInteger) store<i32>(out, <i32>(<i64>x));
  else store<f32>(out, <f32>x);
}

/** Words: out (2), source (2), fold, whether integers, n, inner. Units are lines. */
export function reduce(p: usize, begin: u32, end: u32): void {
  const out = operand(p, ids.HEADER);
  const source = operand(p, ids.HEADER + 2);
  const fold = word(p, ids.HEADER + 4);
  const isInteger = word(p, ids.HEADER + 5) != 0;
  const n = word(p, ids.HEADER + 6);
  const inner = word(p, ids.HEADER + 7);
  const stride = <usize>inner << 2;
  for (let line = begin; line < end; line++) {
    let read = source + (<usize>((line / inner) * n * inner + (line % inner)) << 2);
    const result = out + (<usize>line << 2);
    if (fold == ids.ARG_LARGEST) {
      store<i32>(result, stride == 4 && !isInteger ? argLargest(read, n) : argLargestOf(read, stride, n, isInteger));
      continue;
    }
    let folded = fold == ids.SUM ? 0 : at(read, isInteger);
    for (let k: u32 = 0; k < n; k++) {
      const x = at(read, isInteger);
      // f64.max keeps NaN.
      folded = fold == ids.SUM ? folded + x : max(folded, x);
      read += stride;
    }
    put(result, isInteger, folded);
  }
}

function argLargestOf(source: usize, stride: usize, n: u32, isInteger: bool): i32 {
  let best = 0;
  let largest = -f64.POSITIVE_INFINITY;
  for (let k: u32 = 0; k < n; k++) {
    const x = at(source + <usize>k * stride, isInteger);
    if (x > largest) {
      largest = x;
      best = k;
    }
  }
  return best;
}

/** The first largest of n floats in a row; NaN never wins. */
export function argLargest(source: usize, n: u32): i32 {
  let values = f32x4.splat(-f32.POSITIVE_INFINITY);
  let places = i32x4.splat(0);
  let place = i32x4(0, 1, 2, 3);
  const four = i32x4.splat(4);
  let k: u32 = 0;
  for (; k + 4 <= n; k += 4) {
    const x = v128.load(source + (<usize>k << 2));
    const larger = f32x4.gt(x, values);
    values = v128.bitselect(x, values, larger);
    places = v128.bitselect(place, places, larger);
    place = i32x4.add(place, four);
  }
  let largest = f32x4.extract_lane(values, 0);
  let best = i32x4.extract_lane(places, 0);
  for (let lane = 1; lane < 4; lane++) {
    const x = lane == 1 ? f32x4.extract_lane(values, 1) : lane == 2 ? f32x4.extract_lane(values, 2) : f32x4.extract_lane(values, 3);
    const where = lane == 1 ? i32x4.extract_lane(places, 1) : lane == 2 ? i32x4.extract_lane(places, 2) : i32x4.extract_lane(places, 3);
    // Lanes that never saw anything above -inf keep place 0.
    if (x > largest || (x == largest && where < best)) {
      largest = x;
      best = where;
    }
  }
  for (; k < n; k++) {
    const x = load<f32>(source + (<usize>k << 2));
    if (x > largest) {
      largest = x;
      best = k;
    }
  }
  return best;
}

/** Words: out (2), source (2), whether integers, n, inner. Units are lines. */
export function cumsum(p: usize, begin: u32, end: u32): void {
  const out = operand(p, ids.HEADER);
  const source = operand(p, ids.HEADER + 2);
  const isInteger = word(p, ids.HEADER + 4) != 0;
  const n = word(p, ids.HEADER + 5);
  const inner = word(p, ids.HEADER + 6);
  for (let line = begin; line < end; line++) {
    let offset = <usize>((line / inner) * n * inner + (line % inner)) << 2;
    let sum: f64 = 0;
    for (let k: u32 = 0; k < n; k++) {
      sum += at(source + offset, isInteger);
      put(out + offset, isInteger, sum);
      offset += <usize>inner << 2;
    }
  }
}
