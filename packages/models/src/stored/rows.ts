import { concat, sizeOf, sliceAxis, type Value } from "@fusewire/ir";
import { type RowRange, type StoredPart, type StoredWeight, single } from "./form.ts";

/** Some rows of a stored matrix or vector, in the order given: cut out while the value is read. */
export function chooseRows(
  weight: string,
  found: StoredWeight,
  ranges: readonly RowRange[],
  form: string,
): StoredWeight {
  const shape = [ranges.reduce((sum, { count }) => sum + count, 0), ...found.shape.slice(1)];
  const { value, tensors } = found;
  if (value) {
    const part: StoredPart = {
      dtype: value.dtype,
      shape,
      read: async (rows) => copyRows(await readRows(value, ranges), rows),
    };
    return single(weight, part, { form, tensors });
  }
  return {
    ...found,
    form,
    shape,
    node: (tracer) => {
      const all = found.node(tracer);
      const cut = ranges.map(({ from, count }) => sliceAxis(all, 0, from, count));
      return cut.length === 1 ? cut[0]! : concat(cut, 0);
    },
  };
}

/** Neighbouring rows are all that is read; scattered ones are picked from the whole. */
async function readRows(value: StoredPart, ranges: readonly RowRange[]): Promise<Value> {
  if (ranges.length === 1) return value.read(ranges[0]);
  const all = await value.read();
  const width = sizeOf(all.type.shape.slice(1));
  const count = ranges.reduce((sum, range) => sum + range.count, 0);
  const data = all.data.slice(0, count * width);
  let at = 0;
  for (const range of ranges) {
    data.set(all.data.subarray(range.from * width, (range.from + range.count) * width), at * width);
    at += range.count;
  }
  return { type: { dtype: all.type.dtype, shape: [count, ...all.type.shape.slice(1)] }, data };
}

function copyRows(value: Value, rows: RowRange | undefined): Value {
  if (!rows) return value;
  const width = sizeOf(value.type.shape.slice(1));
  const data = value.data.slice(rows.from * width, (rows.from + rows.count) * width);
  return { type: { dtype: value.type.dtype, shape: [rows.count, ...value.type.shape.slice(1)] }, data };
}

/** Single rows as the ranges of neighbours that they make up. */
export function rangesOf(rows: readonly number[]): RowRange[] {
  const ranges: { from: number; count: number }[] = [];
  for (const row of rows) {
    const last = ranges.at(-1);
    if (last && last.from + last.count === row) last.count += 1;
    else ranges.push({ from: row, count: 1 });
  }
  return ranges;
}
