import { FusewireError } from "@fusewire/ir";
import { type Form, type JoinedRows, type Keeping, splitName } from "./form.ts";
import { chooseRows } from "./rows.ts";

/** Rows of a matrix that several modules share (`qkv_proj`, `gate_up_proj`), in one piece or interleaved by heads. */
export const joined: Form = {
  find(weight, rest, { keeping, checkpoint }) {
    const place = placeOf(weight, keeping);
    const own = rest(weight);
    if (own || !place) return own;
    const found = rest(place.name);
    if (!found) return undefined;
    const { repeats = 1, parts } = place.matrix;
    const block = Object.values(parts).reduce((sum, count) => sum + count, 0);
    if (found.shape[0] !== repeats * block)
      throw new FusewireError(
        `weight '${place.name}' of ${checkpoint.location} is [${found.shape.join(",")}], but config.json gives it ${repeats * block} rows, of ${Object.keys(parts).join(", ")}; one of the two files is not of this model`,
      );
    const ranges = Array.from({ length: repeats }, (_, k) => ({
      from: k * block + place.before,
      count: place.count,
    }));
    const what =
      repeats > 1 ? `rows of '${place.matrix.name}', interleaved` : `rows of '${place.matrix.name}'`;
    return chooseRows(weight, found, ranges, found.form === "plain" ? what : `${found.form}, ${what}`);
  },
  lookedFor: (weight, { keeping }) => {
    const place = placeOf(weight, keeping);
    return place ? [place.name] : [];
  },
};

interface Place {
  readonly matrix: JoinedRows;
  /** The name of the joined matrix or bias. */
  readonly name: string;
  /** Rows of each block before those of the weight, and how many are its own. */
  readonly before: number;
  readonly count: number;
}

function placeOf(weight: string, { joined: matrices = [] }: Keeping): Place | undefined {
  const { path, module, leaf } = splitName(weight);
  const matrix = matrices.find(({ parts }) => Object.hasOwn(parts, module));
  if (!matrix) return undefined;
  const names = Object.keys(matrix.parts);
  const before = names.slice(0, names.indexOf(module)).reduce((sum, name) => sum + matrix.parts[name]!, 0);
  return { matrix, name: `${path}${matrix.name}.${leaf}`, before, count: matrix.parts[module]! };
}
