import { readFileSync } from "node:fs";
import { castValue, floats, toValue, type Value } from "@fusewire/ir";
import { memoryFiles, openCheckpoint } from "@fusewire/models";

/** Committed JSON, typed by the caller. */
export const readGolden = <T>(path: string): T => JSON.parse(readFileSync(path, "utf8")) as T;

/** What models take of a golden's prompts, which stand among facts about them. */
export const inputsOf = ({
  input_ids,
  attention_mask,
}: {
  readonly input_ids: number[][];
  readonly attention_mask?: number[][];
}) => ({ input_ids, ...(attention_mask && { attention_mask }) });

/** Arrays of a committed safetensors file, read when asked for. */
export async function openArrays(path: string): Promise<(name: string) => Promise<Value>> {
  const bytes = readFileSync(path);
  const headerEnd = 8 + Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.toString("utf8", 8, headerEnd)) as Record<string, Entry>;
  const checkpoint = await openCheckpoint(memoryFiles({ "model.safetensors": bytes }));
  return async (name) => {
    const entry = header[name];
    return entry?.dtype === "F64" ? readDoubles(bytes.subarray(headerEnd), entry) : checkpoint.read(name);
  };
}

interface Entry {
  readonly dtype: string;
  readonly shape: number[];
  readonly data_offsets: readonly [number, number];
}

/** F64, which no checkpoint uses, as f32: the exact distributions. */
function readDoubles(data: Buffer, { shape, data_offsets: [start] }: Entry): Value {
  const count = shape.reduce((product, n) => product * n, 1);
  const numbers = Array.from({ length: count }, (_, i) => data.readDoubleLE(start + 8 * i));
  return toValue({ dtype: "f32", shape }, numbers);
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
