/** Shapes that processors' data comes in. */
import { type DType, toValue, type Value } from "@fusewire/ir";
import type { EncodeContext, Encoded } from "./processor.ts";

/** One number a row: [B]. */
export const perRow = (batch: number, dtype: DType, of: (row: number) => number): Value =>
  toValue(
    { dtype, shape: [batch] },
    Array.from({ length: batch }, (_, row) => of(row)),
  );

/** The same number for every row, as the input `value`. */
export const sameForAll =
  (dtype: DType) =>
  (value: unknown, { batch }: EncodeContext): Encoded => ({
    inputs: { value: perRow(batch, dtype, () => Number(value)) },
  });

/** Room for `count` things: powers of two from 8 on, so that lists of like length share a program. */
export const roomFor = (count: number): number => Math.max(8, 2 ** Math.ceil(Math.log2(Math.max(1, count))));

/** The same list of ids for every row, filled with -1, which is no id: i32[B, N]. */
export function idsForAll(batch: number, ids: readonly number[]): Value {
  const room = roomFor(ids.length);
  return toValue(
    { dtype: "i32", shape: [batch, room] },
    Array.from({ length: batch * room }, (_, i) => ids[i % room] ?? -1),
  );
}

export const asList = (value: unknown): number[] => [value as number | number[]].flat();
