import { transpose, type Value } from "@fusewire/ir";
import { type Form, type RowRange, type StoredPart, single, splitName } from "./form.ts";

/** A matrix kept as [in, out], as Conv1D of GPT-2 has it; turned while it is read. */
export const transposed: Form = {
  find(weight, rest, { keeping }) {
    const found = rest(weight);
    const { module } = splitName(weight);
    if (found?.shape.length !== 2 || !keeping.transposed?.includes(module)) return found;
    const form = `${found.form}, transposed`;
    const shape = [found.shape[1]!, found.shape[0]!];
    const { value } = found;
    if (!value) return { ...found, form, shape, node: (tracer) => transpose(found.node(tracer), [1, 0]) };
    const part: StoredPart = {
      dtype: value.dtype,
      shape,
      read: async (rows) => turn(await value.read(), rows),
    };
    return single(weight, part, { form, tensors: found.tensors });
  },
};

/** Columns of a matrix as rows: all, or some. */
function turn({ type: { dtype, shape }, data }: Value, rows?: RowRange): Value {
  const [height, width] = shape as readonly [number, number];
  const { from, count } = rows ?? { from: 0, count: width };
  const turned = data.slice(0, count * height);
  for (let row = 0; row < count; row++)
    for (let k = 0; k < height; k++) turned[row * height + k] = data[k * width + from + row]!;
  return { type: { dtype, shape: [count, height] }, data: turned };
}
