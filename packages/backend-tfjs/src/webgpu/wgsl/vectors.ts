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

/** How four elements lie in words, and as f32. */
const QUADS: Readonly<Partial<Record<DType, { readonly type: string; readonly widen: string }>>> = {
  f32: { type: "vec4f", widen: "w" },
  bf16: {
    type: "vec2u",
    widen: "bitcast<vec4f>(vec4u(w.x << 16u, w.x & 0xffff0000u, w.y << 16u, w.y & 0xffff0000u))",
  },
  // Exact, but that drivers may take the smallest f16 for 0.
  f16: { type: "vec2u", widen: "vec4f(unpack2x16float(w.x), unpack2x16float(w.y))" },
  i8: { type: "u32", widen: "vec4f(bitcast<vec4i>(vec4u(w << 24u, w << 16u, w << 8u, w)) >> vec4u(24u))" },
};

/** Binds an input of the step as vectors of f32, whatever it is stored as. */
export function readVectors(
  shader: Shader,
  index: number,
  { dtype, shape }: TensorType,
  width: 1 | 4,
): VectorSource {
  if (width === 1) {
    const source = shader.read(index, { dtype, shape });
    return { at: (i) => (dtype === "i8" ? `f32(${source.at(i)})` : source.at(i)) };
  }
  const quad = QUADS[dtype];
  if (!quad) throw new Error(`${dtype} is not read in vectors`);
  const name = `x${index}`;
  shader.bind({ kind: "read", index }, "read", name, `array<${quad.type}>`);
  if (dtype === "f32") return { at: (i) => `${name}[${i}]` };
  shader.declare(`fn widen_${dtype}(w: ${quad.type}) -> vec4f { return ${quad.widen}; }`);
  return { at: (i) => `widen_${dtype}(${name}[${i}])` };
}
