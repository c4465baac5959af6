import { FusewireError, type Layout, OPS, type Shape, sizeOf, type Value } from "@fusewire/ir";

/** A matrix of few bits as `dequantize` takes it. */
export interface Packed {
  readonly layout: Layout;
  readonly codes: Value;
  readonly scales: Value;
  readonly zeros?: Value | undefined;
  /** The place of each column's code. */
  readonly order?: Value | undefined;
}

/** The numbers that packed codes stand for, under another shape of as many elements; what is behind them is left out. */
export function unpacked({ layout, codes, scales, zeros, order }: Packed, shape?: Shape): Value {
  const inputs = [codes, scales, zeros, order].filter((part) => part !== undefined);
  const { infer, evaluate } = OPS.dequantize;
  const type = infer(
    inputs.map((part) => part.type),
    { layout },
  );
  const whole = evaluate!(inputs, { layout }, type);
  if (!shape) return whole;
  return { type: { dtype: "f32", shape }, data: whole.data.subarray(0, sizeOf(shape)) };
}

export const bytesValue = (data: Uint8Array, shape: Shape): Value => ({ type: { dtype: "u8", shape }, data });

export const floatsValue = (data: Float32Array, shape: Shape): Value => ({
  type: { dtype: "f32", shape },
  data,
});

/** The bytes of a value, as the file has them. */
export const bytesOfValue = ({ data }: Value): Uint8Array =>
  new Uint8Array(data.buffer, data.byteOffset, data.byteLength);

/** [rows, columns] -> [columns, rows]. */
export function turned<A extends Float32Array | Int32Array | Uint8Array>(
  data: A,
  rows: number,
  columns: number,
): A {
  const out = data.slice() as A;
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++) out[column * rows + row] = data[row * columns + column]!;
  return out;
}

/** Throws in the words that all formats use. */
export function demand(holds: boolean, what: string): asserts holds {
  if (!holds) throw new FusewireError(`${what}; download the model again, or use another checkpoint of it`);
}
