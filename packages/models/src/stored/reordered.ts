import { FusewireError } from "@fusewire/ir";
import { type Form, splitName } from "./form.ts";
import { chooseRows, rangesOf } from "./rows.ts";

/**
 * Rows that stand in another order within each head. Queries and keys may be reordered alike, for their products stay
 * the same: so rotary positions that pair other elements become those that every engine has a kernel for.
 */
export const reordered: Form = {
  find(weight, rest, { keeping, checkpoint }) {
    const found = rest(weight);
    const { module } = splitName(weight);
    const order = keeping.reordered?.find(({ modules }) => modules.includes(module))?.order;
    if (!found || !order) return found;
    const rows = found.shape[0]!;
    if (rows % order.length !== 0)
      throw new FusewireError(
        `weight '${weight}' of ${checkpoint.location} has ${rows} rows, which are no heads of ${order.length}; one of the files is not of this model`,
      );
    const all = Array.from({ length: rows }, (_, row) => {
      const k = row % order.length;
      return row - k + order[k]!;
    });
    return chooseRows(weight, found, rangesOf(all), `${found.form}, rows of heads reordered`);
  },
};
