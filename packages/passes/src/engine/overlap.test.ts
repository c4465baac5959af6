import { sizeOf, type TensorType } from "@fusewire/ir";
import fc from "fast-check";
import { expect, test } from "vitest";
import { overlap } from "./overlap.ts";

const shape = (rank: number) =>
  fc.array(fc.integer({ min: 0, max: 4 }), { minLength: rank, maxLength: rank });

test("copies the elements whose index lies in both shapes, to the same index", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 4 }).chain((rank) => fc.tuple(shape(rank), shape(rank))),
      ([a, b]) => {
        const [from, to] = [a, b].map((s): TensorType => ({ dtype: "i32", shape: s })) as [
          TensorType,
          TensorType,
        ];
        const result = new Array<string | undefined>(sizeOf(b)).fill(undefined);
        for (const run of overlap(from, to))
          for (let i = 0; i < run.count; i++) {
            expect(result[run.to + i]).toBeUndefined();
            result[run.to + i] = indexOf(run.from + i, a);
          }
        const wanted = result.map((_, i) => {
          const index = indexOf(i, b);
          return index.split(",").every((k, axis) => b.length === 0 || Number(k) < a[axis]!)
            ? index
            : undefined;
        });
        expect(result).toEqual(wanted);
      },
    ),
  );
});

test("refuses other dtypes and ranks", () => {
  const of = (dtype: "f32" | "i32", ...shape: number[]): TensorType => ({ dtype, shape });
  expect(() => overlap(of("f32", 2), of("i32", 2))).toThrow("cannot be copied");
  expect(() => overlap(of("f32", 2), of("f32", 2, 1))).toThrow("cannot be copied");
});

function indexOf(position: number, shape: readonly number[]): string {
  let rest = position;
  return [...shape]
    .reverse()
    .map((size) => {
      const k = rest % size;
      rest = Math.floor(rest / size);
      return k;
    })
    .reverse()
    .join(",");
}
