import type { DType, TensorType } from "@fusewire/ir";
import type { Shader } from "./shader.ts";

/** Rows of floats read in vectors of 4, or one by one where 4 does not divide their length. */
export interface VectorSource {
  /** An expression for the vector at an index in vectors. */
  at(index: string): string;
}

/** How many elements of rows of `length` are read at once. */
export const vectorWidth = (length: number): 1 | 4 => (length % 4 === 0 ? 4 : 1);

/** The type of a vector in shader code. */
export const vectorType = (width: 1 | 4): string => (width === 4 ? "vec4f" : "f32");

/** A vector's elements summed in a fixed order. */
export const sumOf = (vector: string, width: 1 | 4): string =>
  width === 4 ? `((${vector}.x + ${vector}.y) + (${vector}.z + ${vector}.w))` : vector;

/** Binds an input of the step as vectors of f32, whatever float it is stored as. */
export function readVectors(
  shader: Shader,
  index: number,
  { dtype, shape }: TensorType,
  width: 1 | 4,
): VectorSource {
  if (width === 1) return shader.read(index, { dtype, shape });
  const name = `x${index}`;
  shader.bind({ kind: "read", index }, "read", name, `array<${dtype === "f32" ? "vec4f" : "vec2u"}>`);
  if (dtype !== "f32") shader.declare(widen(dtype));
  return { at: (i) => (dtype === "f32" ? `${name}[${i}]` : `widen_${dtype}(${name}[${i}])`) };
}

/** Four 16-bit floats of two words, as f32: exact, but that drivers may take the smallest f16 for 0. */
function widen(dtype: DType): string {
  const body =
    dtype === "bf16"
      ? "bitcast<vec4f>(vec4u(w.x << 16u, w.x & 0xffff0000u, w.y << 16u, w.y & 0xffff0000u))"
      : "vec4f(unpack2x16float(w.x), unpack2x16float(w.y))";
  return `fn widen_${dtype}(w: vec2u) -> vec4f { return ${body}; }`;
}
