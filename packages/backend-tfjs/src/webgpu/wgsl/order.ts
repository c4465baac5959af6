import type { Shader } from "./shader.ts";

/**
 * Adds `fn order(x)`: u32 numbers in the same order as floats; -0 counts as 0, and NaN comes last. It looks at bits
 * alone, for drivers may take the smallest floats for 0 and need not know NaN.
 */
export const declareOrder = (shader: Shader): void =>
  shader.declare(`fn order(x: f32) -> u32 {
  let b = bitcast<u32>(x);
  let size = b & 0x7fffffffu;
  if (size > 0x7f800000u) { return 0xffffffffu; }
  if (size == 0u) { return 0x80000000u; }
  return select(b | 0x80000000u, ~b, b != size);
}`);
