/** What the ways of multiplying by a stored matrix share: what a product is, and how its sums become the result. */
import type { TensorType } from "@fusewire/ir";
import { activationExpression } from "../wgsl/scalar.ts";
import type { Shader } from "../wgsl/shader.ts";
import type { StoredType } from "../wgsl/storage.ts";

/** What is done to the sums of a product; inputs of the step by index. */
export interface Epilogue {
  readonly types: readonly TensorType[];
  readonly bias: number | undefined;
  readonly residual: number | undefined;
  readonly activation: string;
  /** The matrix holds gate rows, then as many up rows. */
  readonly gated: boolean;
}

/** A product of x: [rows, k], the first input, with a matrix of floats [n or 2n, k]. */
export interface Product extends Epilogue {
  readonly weight: number;
  readonly norm: { readonly kind: "rms" | "layer"; readonly eps: number } | undefined;
}

export const range = (n: number): number[] => Array.from({ length: n }, (_, k) => k);

/** Sizes of a product with a matrix of this type. */
export function productSizes({ types, gated }: Epilogue, matrix: TensorType) {
  const k = matrix.shape[1]!;
  const n = matrix.shape[0]! / (gated ? 2 : 1);
  return { k, n, rows: types[0]!.shape.reduce((size, d) => size * d, 1) / k };
}

/**
 * Adds `fn finish(row, column, product, other)`, which stores a sum, or those of gate and up, with what comes after.
 * Where the matrix is a part, columns count from the part's first one.
 */
export function declareFinish(
  { types, bias, residual, activation, gated }: Epilogue,
  shader: Shader,
  columns: string,
  { part }: StoredType,
): void {
  const n = part ? shader.size(part.of) : columns;
  const own = part ? `(${shader.size(part.first)} + column)` : "column";
  const added = bias === undefined ? undefined : shader.read(bias, types[bias]!);
  const kept = residual === undefined ? undefined : shader.read(residual, types[residual]!);
  shader.bind({ kind: "write" }, "read_write", "y", "array<f32>");
  shader.declare(`fn finish(row: u32, column: u32, product: f32, other: f32) {
  let sum = product${added ? ` + ${added.at(own)}` : ""};
  let activated = ${activationExpression(activation, "sum")};
  let up = other${gated && added ? ` + ${added.at(`${own} + ${n}`)}` : ""};
  let at = row * ${n} + ${own};
  y[at] = activated${gated ? " * up" : ""}${kept ? ` + ${kept.at("at")}` : ""};
}`);
}
