// Binary16 words as floats, every one exact: caches and weights that are kept in 16 bits are widened here.
import { fromF16 } from "./cast";

/** What a half keeps after its shift, the factor 2^112, and twice the magnitude and the exponent of ones of halves. */
export const HALVES = memory.data<u32>([0x8fffffff, 0x77800000, 0x7fff7fff, 0x7c007c00]);

/**
 * The first four of eight halves. Sign, exponent and fraction go where f32 has them, and the product moves the exponent
 * from one bias to the other, denormals included; exponents of all ones need another way.
 */
@inline export function lowHalves(words: v128, kept: v128, factor: v128): v128 {
  return f32x4.mul(v128.and(i32x4.shl(i32x4.extend_low_i16x8_s(words), 13), kept), factor);
}

@inline export function highHalves(words: v128, kept: v128, factor: v128): v128 {
  return f32x4.mul(v128.and(i32x4.shl(i32x4.extend_high_i16x8_s(words), 13), kept), factor);
}

/** n halves as floats. Exponents of all ones, which are rare, are looked for by eights. */
export function widenHalves(to: usize, from: usize, n: usize): void {
  // From memory: literals would be made anew in each round.
  const kept = v128.load32_splat(HALVES);
  const factor = v128.load32_splat(HALVES, 4);
  const magnitude = v128.load32_splat(HALVES, 8);
  const ones = v128.load32_splat(HALVES, 12);
  let i: usize = 0;
  for (; i + 8 <= n; i += 8) {
    const words = v128.load(from + (i << 1));
    if (v128.any_true(i16x8.ge_s(v128.and(words, magnitude), ones))) {
      for (let k = i; k < i + 8; k++) store<f32>(to + (k << 2), fromF16(load<u16>(from + (k << 1))));
      continue;
    }
    v128.store(to + (i << 2), lowHalves(words, kept, factor));
    v128.store(to + (i << 2), highHalves(words, kept, factor), 16);
  }
  for (; i < n; i++) store<f32>(to + (i << 2), fromF16(load<u16>(from + (i << 1))));
}
