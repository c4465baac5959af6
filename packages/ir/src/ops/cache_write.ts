import { FusewireError } from "../errors.ts";
import type { Node } from "../node.ts";
import { defineOp, emit } from "../op.ts";
import { sameShape, type TensorType } from "../type.ts";
import { splitAt } from "./reduce.ts";

declare module "../node.ts" {
  interface OpAttrs {
    cache_write: { readonly axis: number; readonly ring: boolean };
  }
}

export const cacheWriteOp = defineOp<"cache_write">({
  name: "cache_write",
  arity: 5,
  attrs: { axis: "int", ring: "bool" },
  infer: ([cache, rows, at, count, values], { axis, ring }) => {
    if (values!.shape.length === 0) throw new FusewireError("takes values [B, …], not a scalar");
    const batch = values!.shape[0];
    const vector = (type: TensorType) => type.dtype === "i32" && sameShape(type.shape, [batch!]);
    if (!vector(rows!) || !vector(at!) || !vector(count!))
      throw new FusewireError(`rows, at and count must be i32[${batch}], one for each row of the values`);
    const fits =
      axis > 0 &&
      axis < cache!.shape.length &&
      cache!.dtype === values!.dtype &&
      cache!.shape.length === values!.shape.length &&
      cache!.shape.every((d, k) => k === 0 || k === axis || d === values!.shape[k]);
    if (!fits)
      throw new FusewireError(
        `values may differ from the cache in dtype nowhere and in shape along axes 0 and ${axis}`,
      );
    if (ring && values!.shape[axis]! > cache!.shape[axis]!)
      throw new FusewireError("a ring takes at most as many entries at once as it has slots");
    return cache!;
  },
  evaluate: ([cache, rows, at, count, values], { axis, ring }, type) => {
    const data = cache!.data.slice();
    const slots = type.shape[axis]!;
    const { outer, n, inner } = splitAt(values!.type.shape, axis);
    const perRow = outer / values!.type.shape[0]!;
    for (let b = 0; b < rows!.data.length; b++) {
      const row = rows!.data[b]!;
      if (row < 0 || row >= type.shape[0]!) continue;
      for (let o = 0; o < perRow; o++)
        for (let t = 0; t < Math.min(n, count!.data[b]!); t++) {
          const index = at!.data[b]! + t;
          if (index < 0 || (!ring && index >= slots)) continue;
          const slot = index % slots;
          const from = ((b * perRow + o) * n + t) * inner;
          const to = ((row * perRow + o) * slots + slot) * inner;
          data.set(values!.data.subarray(from, from + inner), to);
        }
    }
    return { type, data };
  },
  inPlace: true,
});

/**
 * Writes into a cache [R, …, slots, …] whose slots lie along `axis`: for each b, the first count[b] entries of
 * values[b] go to slots at[b], at[b]+1, … of cache row rows[b]. Entries outside the slots or rows of
 * the cache are dropped; with `ring`, entry j goes to slot j mod slots instead.
 * rows, at, count: i32[B]; values: [B, …, T, …]. Rows must not repeat among those that write.
 */
export const cacheWrite = (
  cache: Node,
  rows: Node,
  at: Node,
  count: Node,
  values: Node,
  axis: number,
  ring = false,
): Node => emit(cacheWriteOp, [cache, rows, at, count, values], { axis, ring });
