import { openCausalModel } from "@fusewire/generate";
import type { ModelFiles } from "@fusewire/models";
import { printable } from "../text/cells.ts";

/** How a checkpoint keeps one weight of the graph. */
export interface WeightRow {
  readonly weight: string;
  readonly shape: readonly number[];
  /** How the graph reads it: the dtype of each of its parts. */
  readonly dtypes: readonly string[];
  /** In words, such as `rows of 'qkv_proj'`. */
  readonly form: string;
  /** The tensors it comes from. */
  readonly tensors: readonly string[];
}

/** How each weight that the model reads is kept, in the order of the graph. Reads headers alone. */
export async function readWeightRows(files: ModelFiles): Promise<WeightRow[]> {
  const { weights, checkpoint } = await openCausalModel(files);
  await checkpoint.close();
  return [...weights].map(([weight, { shape, parts, form, tensors }]) => ({
    weight,
    shape,
    dtypes: [...parts.values()].map(({ dtype }) => dtype),
    form,
    tensors,
  }));
}

/** A line a weight; tensors are named where they are called otherwise. */
export function weightLines(rows: readonly WeightRow[]): string {
  const lines = rows.map(({ weight, shape, dtypes, form, tensors }) => {
    const others = tensors.filter((tensor) => tensor !== weight);
    const from = others.length === 0 ? "" : ` (${others.join(", ")})`;
    return printable(`${weight}  ${dtypes.join("+")}[${shape.join(",")}]  ${form}${from}`);
  });
  return `${lines.join("\n")}\n`;
}
