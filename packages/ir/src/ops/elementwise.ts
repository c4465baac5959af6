import type { DType } from "../dtype.ts";
import { FusewireError } from "../errors.ts";
import { broadcastShapes, type Shape, type TensorType } from "../type.ts";
import { emptyValue, type Value } from "../value.ts";
import { stretch } from "./strided.ts";

/** The broadcast shape of all inputs, NumPy's rule. */
export function broadcastAll(types: readonly TensorType[]): Shape {
  return types.reduce<Shape>((shape, type) => {
    const joined = broadcastShapes(shape, type.shape);
    if (!joined) throw new FusewireError(`shapes [${shape}] and [${type.shape}] do not broadcast`);
    return joined;
  }, []);
}

export function requireDType(types: readonly TensorType[], allowed: readonly DType[]): DType {
  const dtype = types[0]?.dtype ?? "f32";
  if (!allowed.includes(dtype)) throw new FusewireError(`takes ${allowed.join(", ")}; cast ${dtype} first`);
  for (const type of types)
    if (type.dtype !== dtype) throw new FusewireError(`inputs have different dtypes; cast one of them`);
  return dtype;
}

/**
 * Applies a scalar function to every element, with broadcasting. Storing does the rounding: a Float32Array rounds
 * to nearest even, a 32-bit integer array wraps, unlike a cast, which saturates.
 */
export function mapElements(
  inputs: readonly Value[],
  type: TensorType,
  scalar: (a: number, b: number, c: number) => number,
): Value {
  const value = emptyValue(type);
  const out = value.data;
  const [a, b, c] = inputs.map((input) =>
    stretch(input.data, input.type.dtype, input.type.shape, type.shape),
  );
  for (let i = 0; i < out.length; i++) out[i] = scalar(a![i]!, b ? b[i]! : 0, c ? c[i]! : 0);
  return value;
}
