/** How keys and values are kept in a cache and read back from it. */
import { type Layout, q8 } from "../layouts/index.ts";
import type { Node } from "../node.ts";
import { castValue, type Value } from "../value.ts";
import { cast } from "./cast.ts";
import { dequantize, dequantizeOp } from "./dequantize.ts";
import { gather } from "./gather.ts";
import { groupScales, quantizeRows } from "./quantize.ts";

/** Keys and values of D elements that are kept as i8: one scale each. */
export const entryLayout = (d: number): Layout => q8(d);

/**
 * Entries f32[…, D] as integers with one scale each: codes i8[…, D] and scales f32[…, 1], the largest magnitude over
 * 127. An entry is rounded by itself when it is written, and never again.
 */
export function quantizeEntries(x: Node): { readonly codes: Node; readonly scales: Node } {
  const layout = entryLayout(x.type.shape.at(-1)!);
  const scales = groupScales(x, layout);
  return { codes: quantizeRows(x, scales, layout), scales };
}

/**
 * Rows of a cache as attention reads them, f32[B, Hkv, S, D]. cache: [R, Hkv, S, D], in f32, in f16, or in i8 with
 * scales f32[R, Hkv, S, 1]; rows: i32[B].
 */
export function readCache(cache: Node, rows: Node, scales?: Node): Node {
  const picked = gather(cache, rows);
  if (!scales) return cast(picked, "f32");
  return dequantize(picked, gather(scales, rows), entryLayout(cache.type.shape.at(-1)!));
}

/** The whole cache in f32. */
export function wideCache(cache: Value, scales?: Value): Value {
  if (!scales) return castValue(cache, "f32");
  const { shape } = cache.type;
  return dequantizeOp.evaluate!(
    [cache, scales],
    { layout: entryLayout(shape.at(-1)!) },
    { dtype: "f32", shape },
  );
}
