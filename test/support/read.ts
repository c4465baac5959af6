import { readFileSync } from "node:fs";
import { castValue, floats, type Value } from "@fusewire/ir";
import { memoryFiles, openCheckpoint } from "@fusewire/models";

/** Committed JSON, typed by the caller. */
export const readGolden = <T>(path: string): T => JSON.parse(readFileSync(path, "utf8")) as T;

/** Arrays of a committed safetensors file, read when asked for. */
export async function openArrays(path: string): Promise<(name: string) => Promise<Value>> {
  const checkpoint = await openCheckpoint(memoryFiles({ "model.safetensors": readFileSync(path) }));
  return (name) => checkpoint.read(name);
}

/** An array's numbers as f32. */
export const numbers = async (value: Promise<Value>): Promise<Float32Array> =>
  floats(castValue(await value, "f32"));

/** The largest absolute difference; NaN counts as infinite. */
export function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Number.POSITIVE_INFINITY;
  let largest = 0;
  for (let i = 0; i < a.length; i++) {
    const difference = a[i] === b[i] ? 0 : Math.abs(a[i]! - b[i]!);
    largest = Number.isNaN(difference) ? Number.POSITIVE_INFINITY : Math.max(largest, difference);
  }
  return largest;
}
