import { castValue, type Value } from "@fusewire/ir";
import { demand, floatsValue } from "./packed.ts";

/**
 * Scales of blocks, [out / blockRows, in / blockColumns], as scales of groups along each row: [out, in / group]. The
 * last block of a row or column may be cut off; then groups are as long as divides both.
 */
export function rowScales(
  scales: Value,
  [out, width]: readonly [number, number],
  [blockRows, blockColumns]: readonly [number, number],
  what: string,
): { readonly scales: Value; readonly group: number } {
  const [down, across] = [Math.ceil(out / blockRows), Math.ceil(width / blockColumns)];
  demand(
    scales.data.length === down * across,
    `${what}: ${scales.data.length} scales, but blocks of ${blockRows}x${blockColumns} in [${out},${width}] have ${down * across}`,
  );
  const group = greatestDivisor(width, Math.min(width, blockColumns));
  const wide = castValue(scales, "f32").data;
  const groups = width / group;
  const data = new Float32Array(out * groups);
  for (let row = 0; row < out; row++)
    for (let k = 0; k < groups; k++)
      data[row * groups + k] =
        wide[Math.floor(row / blockRows) * across + Math.floor((k * group) / blockColumns)]!;
  return { scales: floatsValue(data, [out, groups]), group };
}

const greatestDivisor = (a: number, b: number): number => (b === 0 ? a : greatestDivisor(b, a % b));
