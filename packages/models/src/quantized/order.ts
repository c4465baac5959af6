import type { Value } from "@fusewire/ir";
import { demand } from "./packed.ts";

/** Columns sorted by their group: as many for each, so that a group's codes are neighbours. */
export interface ColumnOrder {
  /** The column at each place. */
  readonly columnAt: Int32Array;
  /** The place of each column: the order that `dequantize` takes. */
  readonly order: Value;
}

/**
 * The order that puts columns of one group side by side (GPTQ's `g_idx` under `desc_act`). Undefined where they lie
 * so already.
 */
export function orderOf(groupOf: ArrayLike<number>, group: number, what: string): ColumnOrder | undefined {
  const width = groupOf.length;
  const inOrder = Array.prototype.every.call(groupOf, (own, column) => own === Math.floor(column / group));
  if (inOrder) return undefined;
  const groups = width / group;
  const inRange = Array.prototype.every.call(groupOf, (own) => own >= 0 && own < groups);
  demand(inRange, `${what}: g_idx names groups that are not there (0 to ${groups - 1})`);
  const columnAt = Int32Array.from({ length: width }, (_, column) => column).sort(
    (a, b) => groupOf[a]! - groupOf[b]! || a - b,
  );
  const even = columnAt.every((column, place) => groupOf[column] === Math.floor(place / group));
  demand(even, `${what}: g_idx does not put ${group} columns into each group`);
  const order = new Int32Array(width);
  for (const [place, column] of columnAt.entries()) order[column] = place;
  return { columnAt, order: { type: { dtype: "i32", shape: [width] }, data: order } };
}
