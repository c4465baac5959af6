// Conversion between element types, as `castValue` of the graph defines it.
import * as ids from "../src/ids";
import { operand, word } from "./step";

/** The f32 that a binary16 word stands for; every one is exact. */
export function fromF16(bits: u32): f32 {
  const sign = (bits & 0x8000) << 16;
  const size = bits & 0x7fff;
  // An exponent of all ones stays one; the product moves all others, denormals included, to the exponents of f32.
  if (size >= 0x7c00) return reinterpret<f32>(sign | (size << 13) | 0x7f800000);
  const scaled = reinterpret<f32>(size << 13) * reinterpret<f32>(0x77800000);
  return reinterpret<f32>(reinterpret<u32>(scaled) | sign);
}

function toF16(x: f32): u32 {
  const bits = reinterpret<u32>(x);
  const sign = (bits >> 16) & 0x8000;
  const size = abs(x);
  if (size != size) return 0x7e00;
  if (size >= 65520) return sign | 0x7c00;
  // Below the normal range a step is 2^-24.
  if (size < 0.00006103515625) return sign | <u32>nearest(size * 16777216);
  const magnitude = bits & 0x7fffffff;
  const rounded = magnitude + 0xfff + ((magnitude >> 13) & 1);
  return sign | ((rounded >> 13) - (112 << 10));
}

function toBf16(x: f32): u32 {
  const bits = reinterpret<u32>(x);
  if (x != x) return 0x7fc0;
  return ((bits + 0x7fff + ((bits >> 16) & 1)) >> 16) & 0xffff;
}

function read(dtype: u32, at: usize, i: usize): f64 {
  switch (dtype) {
    case ids.F32: return <f64>load<f32>(at + (i << 2));
    case ids.F16: return <f64>fromF16(load<u16>(at + (i << 1)));
    case ids.BF16: return <f64>reinterpret<f32>(<u32>load<u16>(at + (i << 1)) << 16);
    case ids.I32: return <f64>load<i32>(at + (i << 2));
    case ids.U32: return <f64>load<u32>(at + (i << 2));
    case ids.I8: return <f64>load<i8>(at + i);
    default: return <f64>load<u8>(at + i);
  }
}

function write(dtype: u32, at: usize, i: usize, x: f64): void {
  switch (dtype) {
    case ids.F32: store<f32>(at + (i << 2), <f32>x); return;
    case ids.F16: store<u16>(at + (i << 1), toF16(<f32>x)); return;
    case ids.BF16: store<u16>(at + (i << 1), toBf16(<f32>x)); return;
    // NaN becomes 0, and what lies outside the type its nearest end: saturating conversions do both.
    case ids.I32: store<i32>(at + (i << 2), <i32>x); return;
    case ids.U32: store<u32>(at + (i << 2), <u32>x); return;
    case ids.I8: store<i8>(at + i, <i32>min(max(x, -128), 127)); return;
    case ids.U8: store<u8>(at + i, <i32>min(max(x, 0), 255)); return;
    default: store<u8>(at + i, x != 0 && x == x ? 1 : 0);
  }
}

/** Words: out (2), source (2), dtype of the source, dtype of the result. Units are elements. */
export function cast(p: usize, begin: u32, end: u32): void {
  const out = operand(p, ids.HEADER);
  const source = operand(p, ids.HEADER + 2);
  const from = word(p, ids.HEADER + 4);
  const to = word(p, ids.HEADER + 5);
  if (from == ids.BF16 && to == ids.F32) {
    for (let i = <usize>begin; i < <usize>end; i++)
      store<u32>(out + (i << 2), <u32>load<u16>(source + (i << 1)) << 16);
    return;
  }
  for (let i = <usize>begin; i < <usize>end; i++) write(to, out, i, read(from, source, i));
}
