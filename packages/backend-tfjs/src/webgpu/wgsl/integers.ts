/** Arithmetic that must be exact to the bit, where WGSL leaves room or devices differ. */
import type { Shader } from "./shader.ts";

/**
 * Adds `fn divide(a, b)`, a / b rounded to nearest: WGSL's own quotient may be off by 2.5 units in the last place. The
 * remainder of the near quotient, in whole units of b's mantissa, is small, so its lowest 32 bits are all of it; where it
 * exceeds half a unit, the quotient moves. b must be positive; a quotient that is not a normal number stays near.
 */
export function declareDivide(shader: Shader): void {
  shader.declare(`fn divide(a: f32, b: f32) -> f32 {
  let near = a / b;
  var bits = bitcast<u32>(near);
  let exponents = (vec3u(bits, bitcast<u32>(a), bitcast<u32>(b)) >> vec3u(23u)) & vec3u(255u);
  if (any(exponents == vec3u()) || exponents.x == 255u) { return near; }
  let mantissas = (vec3u(bits, bitcast<u32>(a), bitcast<u32>(b)) & vec3u(0x7fffffu)) | vec3u(0x800000u);
  let shift = (exponents.y + 150u) - (exponents.x + exponents.z);
  var rest = bitcast<i32>((mantissas.y << shift) - mantissas.x * mantissas.z);
  // Below a power of two the units are half as large.
  if (mantissas.x == 0x800000u && rest < 0) { rest *= 2; }
  let unit = i32(mantissas.z);
  for (var k = 0; k < 4; k++) {
    if (2 * rest > unit) { rest -= unit; bits++; }
    if (2 * rest < -unit) { rest += unit; bits--; }
  }
  return bitcast<f32>(bits);
}`);
}

/**
 * Adds `fn dot4(a, b)`, the sum of the products of four signed bytes, by the device's instruction where the language
 * has it.
 */
export function declareDot4(shader: Shader, native: boolean): void {
  const parts = [0, 8, 16, 24].map(
    (at) => `extractBits(bitcast<i32>(a), ${at}u, 8u) * extractBits(bitcast<i32>(b), ${at}u, 8u)`,
  );
  shader.declare(
    `fn dot4(a: u32, b: u32) -> i32 { return ${native ? "dot4I8Packed(a, b)" : parts.join(" + ")}; }`,
  );
}
