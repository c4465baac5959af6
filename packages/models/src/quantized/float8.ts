import { type Layout, layout } from "@fusewire/ir";

/**
 * The values of float8 e4m3fn (Micikevicius et al. 2022): a sign, 4 bits of exponent less 7, 3 of mantissa; no
 * infinities, and NaN where all bits but the sign are set.
 */
export const E4M3: readonly number[] = Array.from({ length: 256 }, (_, code) => {
  const sign = code < 128 ? 1 : -1;
  const [exponent, mantissa] = [(code >> 3) & 15, code & 7];
  if (exponent === 15 && mantissa === 7) return Number.NaN;
  return sign * (exponent === 0 ? mantissa * 2 ** -9 : (1 + mantissa / 8) * 2 ** (exponent - 7));
});

/** Rows of float8 e4m3fn. */
export const e4m3 = (group: number): Layout => layout({ bits: 8, range: "unsigned", codebook: E4M3, group });
