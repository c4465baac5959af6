// Rows as small integers, and back; see `group_scales`, `quantize_rows` and `dequantize`. Units are groups.
import * as ids from "../src/ids";
import { panelRow } from "./panels";
import { number, operand, word } from "./step";

/** Words: out (2), x (2), group, the largest integer. */
export function groupScales(p: usize, begin: u32, end: u32): void {
  const out = operand(p, ids.HEADER);
  const x = operand(p, ids.HEADER + 2);
  const bytes = <usize>word(p, ids.HEADER + 4) << 2;
  const high = number(p, ids.HEADER + 5);
  for (let unit = begin; unit < end; unit++) {
    const from = x + <usize>unit * bytes;
    let a = f32x4.splat(0);
    let b = a;
    let k: usize = 0;
    for (; k + 32 <= bytes; k += 32) {
      a = f32x4.pmax(a, f32x4.abs(v128.load(from + k)));
      b = f32x4.pmax(b, f32x4.abs(v128.load(from + k, 16)));
    }
    for (; k + 16 <= bytes; k += 16) a = f32x4.pmax(a, f32x4.abs(v128.load(from + k)));
    a = f32x4.pmax(a, b);
    a = f32x4.pmax(a, v128.shuffle<f32>(a, a, 2, 3, 0, 1));
    a = f32x4.pmax(a, v128.shuffle<f32>(a, a, 1, 0, 3, 2));
    let largest = f32x4.extract_lane(a, 0);
    for (; k < bytes; k += 4) largest = max(largest, abs(load<f32>(from + k)));
    store<f32>(out + (<usize>unit << 2), largest / high);
  }
}

/** x / scale to the nearest integer from low to high, as 32-bit integers; 0 for NaN. */
@inline function quotients(x: v128, scale: v128, low: v128, high: v128): v128 {
  const q = f32x4.nearest(f32x4.div(x, scale));
  return i32x4.trunc_sat_f32x4_s(f32x4.pmin(f32x4.pmax(q, low), high));
}

/** Words: out (2), x (2), scales (2), group, the smallest and the largest integer. */
export function quantizeRows(p: usize, begin: u32, end: u32): void {
  const out = operand(p, ids.HEADER);
  const x = operand(p, ids.HEADER + 2);
  const scales = operand(p, ids.HEADER + 4);
  const group = <usize>word(p, ids.HEADER + 6);
  const low = number(p, ids.HEADER + 7);
  const high = number(p, ids.HEADER + 8);
  for (let unit = begin; unit < end; unit++) {
    const from = x + <usize>unit * (group << 2);
    const to = out + <usize>unit * group;
    const scale = load<f32>(scales + (<usize>unit << 2));
    if (scale == 0) {
      memory.fill(to, 0, group);
      continue;
    }
    const by = f32x4.splat(scale);
    const least = f32x4.splat(low);
    const most = f32x4.splat(high);
    let k: usize = 0;
    for (; k + 16 <= group; k += 16) {
      const at = from + (k << 2);
      const low8 = i16x8.narrow_i32x4_s(
        quotients(v128.load(at), by, least, most),
        quotients(v128.load(at, 16), by, least, most),
      );
      const high8 = i16x8.narrow_i32x4_s(
        quotients(v128.load(at, 32), by, least, most),
        quotients(v128.load(at, 48), by, least, most),
      );
      v128.store(to + k, i8x16.narrow_i16x8_s(low8, high8));
    }
    for (; k + 4 <= group; k += 4) {
      const whole = quotients(v128.load(from + (k << 2)), by, least, most);
      const halves = i16x8.narrow_i32x4_s(whole, whole);
      v128.store32_lane(to + k, i8x16.narrow_i16x8_s(halves, halves), 0);
    }
    for (; k < group; k++) {
      const q = nearest(load<f32>(from + (k << 2)) / scale);
      store<i8>(to + k, <i8>(<i32>min(max(q, low), high)));
    }
  }
}

/** Words: out (2), codes (2), scales (2), zeros (2), group, whether there are zeros. */
export function dequantize(p: usize, begin: u32, end: u32): void {
  const out = operand(p, ids.HEADER);
  const codes = operand(p, ids.HEADER + 2);
  const scales = operand(p, ids.HEADER + 4);
  const zeros = operand(p, ids.HEADER + 6);
  const group = <usize>word(p, ids.HEADER + 8);
  const hasZeros = word(p, ids.HEADER + 9) != 0;
  for (let unit = begin; unit < end; unit++) {
    const scale = load<f32>(scales + (<usize>unit << 2));
    const zero: i32 = hasZeros ? load<i8>(zeros + unit) : 0;
    const from = codes + <usize>unit * group;
    const to = out + <usize>unit * (group << 2);
    for (let k: usize = 0; k < group; k++) store<f32>(to + (k << 2), <f32>(<i32>load<i8>(from + k) - zero) * scale);
  }
}

/**
 * Picks rows of a tiled matrix. Words: out (2), source (2), index (2), rows, elements a row, kind: bytes of codes for 8
 * and for 4 bits, or floats; or of a matrix in panels, as f32. Units are indices. In a tile of 16 rows neighbours of a row lie together by 4 (codes) or
 * by 1 (floats), and of 4 bits the next 4 elements are the upper halves of the bytes.
 */
export function gatherTiled(p: usize, begin: u32, end: u32): void {
  const out = operand(p, ids.HEADER);
  const source = operand(p, ids.HEADER + 2);
  const index = operand(p, ids.HEADER + 4);
  const rows = <i32>word(p, ids.HEADER + 6);
  const n = <usize>word(p, ids.HEADER + 7);
  const kind = word(p, ids.HEADER + 8);
  for (let i = <usize>begin; i < <usize>end; i++) {
    const wanted = load<i32>(index + (i << 2));
    const row = <usize>(wanted < 0 ? 0 : wanted < rows ? wanted : rows - 1);
    const lane = row & 15;
    if (kind == ids.PANELS_F32) panelRow(ids.F32, out + ((i * n) << 2), source, row, n);
    else if (kind == ids.PANELS_BF16) panelRow(ids.BF16, out + ((i * n) << 2), source, row, n);
    else if (kind == ids.PANELS_F16) panelRow(ids.F16, out + ((i * n) << 2), source, row, n);
    else if (kind == ids.TILED_FLOATS) {
      const tile = source + (row >> 4) * (n << 6);
      for (let k: usize = 0; k < n; k++)
        store<u32>(out + ((i * n + k) << 2), load<u32>(tile + (((k << 4) + lane) << 2)));
    } else if (kind == ids.TILED_8) {
      const tile = source + (row >> 4) * (n << 4);
      for (let k: usize = 0; k < n; k += 4)
        store<u32>(out + i * n + k, load<u32>(tile + (k << 4) + (lane << 2)));
    } else {
      const tile = source + (row >> 4) * (n << 3);
      for (let k: usize = 0; k < n; k += 8)
        for (let b: usize = 0; b < 4; b++) {
          const pair = load<u8>(tile + (k << 3) + (lane << 2) + b);
          store<i8>(out + i * n + k + b, <i8>((<i32>pair & 15) - 8));
          store<i8>(out + i * n + k + 4 + b, <i8>((<i32>pair >> 4) - 8));
        }
    }
  }
}
