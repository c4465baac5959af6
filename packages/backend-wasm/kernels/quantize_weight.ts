// A weight as codes in tiles and scales, bit for bit as `group_scales` and `quantize_rows` define them; see
// `quantized.ts` for the tiles.
import * as ids from "../src/ids";

/** What the search for a scale divides the largest element by, in parts of either limit, as the op has them. */
const STRETCHES = memory.data<f64>([1, 0.86, 0.93, 1.07, 1.14], 16);

// From memory, for V8 builds a constant vector anew wherever it is used, in loops too.
const HALVES = memory.data<f64>([0.5, 0.5], 16);

/**
 * Quantizes rows of f32 or bf16 from `source` on, the first of which is row `first` of the weight. Their codes go into
 * the tiles at `codes`, unless that is 0, and for 8 bits the negated sums of their groups to `sums`; their scales to
 * `scales`, row by row. `buffer` has room for one group of f32 and 256 bytes.
 */
export function quantizeWeight(
  source: usize, narrow: bool, rows: u32, width: usize, group: usize, bits: u32, search: bool, first: u32,
  codes: usize, sums: usize, scales: usize, buffer: usize,
): void {
  const high: f32 = bits == 8 ? 127 : 7;
  const low: f32 = bits == 8 ? -127 : -8;
  const groups = width / group;
  for (let row = first; row < first + rows; row++) {
    const lane = <usize>(row & 15);
    const tile = codes + <usize>(row >> 4) * (bits == 8 ? width << 4 : width << 3) + (lane << 2);
    for (let g: usize = 0; g < groups; g++) {
      let x = source;
      if (narrow) {
        x = buffer;
        for (let k: usize = 0; k < group; k += 4)
          v128.store(x + (k << 2), i32x4.shl(v128.load16x4_u(source + (k << 1)), 16));
      }
      source += narrow ? group << 1 : group << 2;
      const largest = largestOf(x, group);
      const scale = search && largest != 0 ? searchScale(x, group, largest, low, high, buffer + (group << 2)) : abs(largest) / high;
      store<f32>(scales, scale);
      scales += 4;
      if (codes == 0 || scale == 0) continue;
      if (bits == 4) {
        const to = tile + ((g * group) << 3);
        for (let k: usize = 0; k < group; k += 8) {
          const even = i32x4.add(code4(x + (k << 2), scale, low, high), i32x4.splat(8));
          const odd = i32x4.add(code4(x + (k << 2) + 16, scale, low, high), i32x4.splat(8));
          store<u32>(to + (k << 3), bytesOf(v128.or(even, i32x4.shl(odd, 4))));
        }
      } else {
        const to = tile + ((g * group) << 4);
        let sum = i32x4.splat(0);
        for (let k: usize = 0; k < group; k += 4) {
          const whole = code4(x + (k << 2), scale, low, high);
          sum = i32x4.add(sum, whole);
          store<u32>(to + (k << 4), bytesOf(whole));
        }
        sum = i32x4.add(sum, v128.shuffle<i32>(sum, sum, 2, 3, 0, 1));
        const total = i32x4.extract_lane(sum, 0) + i32x4.extract_lane(sum, 1);
        const at = (<usize>(row >> 4) * groups + g) * 16 + lane;
        if (group > <usize>ids.NARROW_SUMS) store<i32>(sums + (at << 2), -total);
        else store<i16>(sums + (at << 1), <i16>-total);
      }
    }
  }
}

/** x / scale as integers: one division, halves to even, clamped. */
@inline function code4(x: usize, scale: f32, low: f32, high: f32): v128 {
  const q = f32x4.nearest(f32x4.div(v128.load(x), f32x4.splat(scale)));
  return i32x4.trunc_sat_f32x4_s(f32x4.min(f32x4.max(q, f32x4.splat(low)), f32x4.splat(high)));
}

/** The lowest byte of each lane. */
@inline function bytesOf(x: v128): u32 {
  const picked = i8x16.swizzle(x, i8x16(0, 4, 8, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0));
  return <u32>i32x4.extract_lane(picked, 0);
}

/** The first element of the largest magnitude, with its sign. */
function largestOf(x: usize, n: usize): f32 {
  let lanes = f32x4.splat(0);
  for (let k: usize = 0; k < n << 2; k += 16) lanes = f32x4.pmax(lanes, f32x4.abs(v128.load(x + k)));
  const size = max(
    max(f32x4.extract_lane(lanes, 0), f32x4.extract_lane(lanes, 1)),
    max(f32x4.extract_lane(lanes, 2), f32x4.extract_lane(lanes, 3)),
  );
  for (let k: usize = 0; k < n << 2; k += 4) if (abs(load<f32>(x + k)) == size) return load<f32>(x + k);
  return 0;
}

/** The scale with the least squared error among ten, two of them a vector; sums run in index order in f64. */
function searchScale(x: usize, n: usize, largest: f32, low: f32, high: f32, results: usize): f32 {
  const limits = f64x2(<f64>low, <f64>high);
  const least = f64x2.splat(<f64>low);
  const most = f64x2.splat(<f64>high);
  const half = v128.load(HALVES);
  for (let s: usize = 0; s < 5; s++) {
    const inverse = f64x2.div(f64x2.mul(limits, v128.load64_splat(STRETCHES + (s << 3))), f64x2.splat(<f64>largest));
    let products = f64x2.splat(0);
    let squares = f64x2.splat(0);
    for (let k: usize = 0; k < n << 2; k += 4) {
      const value = f64x2.splat(<f64>load<f32>(x + k));
      const near = f64x2.floor(f64x2.add(f64x2.mul(value, inverse), half));
      // Each one instruction, and NaN passes through.
      const q = f64x2.pmax(f64x2.pmin(near, most), least);
      products = f64x2.add(products, f64x2.mul(value, q));
      squares = f64x2.add(squares, f64x2.mul(q, q));
    }
    v128.store(results + (s << 5), products);
    v128.store(results + (s << 5), squares, 16);
  }
  let best = abs(largest) / high;
  let gained: f64 = 0;
  for (let limit: usize = 0; limit < 16; limit += 8)
    for (let s: usize = 0; s < 5; s++) {
      const products = load<f64>(results + (s << 5) + limit);
      const squares = load<f64>(results + (s << 5) + limit, 16);
      const gain = squares == 0 ? 0 : (products * products) / squares;
      if (gain > gained) {
        gained = gain;
        best = <f32>(products / squares);
      }
    }
  return best;
}
