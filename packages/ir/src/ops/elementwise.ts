import type { DType } from "../dtype.ts";
import { FusewireError } from "../errors.ts";
import { broadcastShapes, type Shape, stridesOf, type TensorType } from "../type.ts";
import { emptyValue, reader, type Value, writer } from "../value.ts";

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

/** For each input, the element that row-major element i of the output reads. */
export function broadcastIndex(input: Shape, output: Shape): (i: number) => number {
  const size = input.reduce((n, d) => n * d, 1);
  if (size === 1) return () => 0;
  const lead = output.length - input.length;
  // A trailing block that is laid out alike needs only a remainder (same shape, a bias, a per-row vector).
  if (input.every((d, k) => d === output[lead + k])) return (i) => i % size;
  const outStrides = stridesOf(output);
  const inStrides = stridesOf(input);
  return (i) => {
    let index = 0;
    for (let k = 0; k < input.length; k++) {
      const d = input[k]!;
      if (d !== 1) index += (Math.floor(i / outStrides[lead + k]!) % d) * inStrides[k]!;
    }
    return index;
  };
}

/** Applies a scalar function to every element, with broadcasting, rounding the result to `type`. */
export function mapElements(
  inputs: readonly Value[],
  type: TensorType,
  scalar: (a: number, b: number, c: number) => number,
): Value {
  const out = emptyValue(type);
  const write = writerOf(type.dtype);
  const reads = inputs.map((input) => {
    const at = broadcastIndex(input.type.shape, type.shape);
    const read = reader(input.type.dtype);
    return (i: number) => read(input.data[at(i)]!);
  });
  const [a, b, c] = reads;
  for (let i = 0; i < out.data.length; i++)
    out.data[i] = write(scalar(a ? a(i) : 0, b ? b(i) : 0, c ? c(i) : 0));
  return out;
}

/** Integer arithmetic wraps to 32 bits, unlike a cast, which saturates. */
function writerOf(dtype: DType): (x: number) => number {
  if (dtype === "i32") return (x) => x | 0;
  if (dtype === "u32") return (x) => x >>> 0;
  return writer(dtype);
}
