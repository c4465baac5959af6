/** How keys and values are kept in a cache and read back from it. */
import type { Node } from "../node.ts";
import { castValue, type Value } from "../value.ts";
import { cast } from "./cast.ts";
import { gather } from "./gather.ts";
import { dequantize, dequantizeOp, groupScales, quantizeRows } from "./quantize.ts";

/** Bits of a key or value that is kept as i8: symmetric, -127..127. */
export const CACHE_BITS = 8;

/**
 * Entries f32[…, D] as integers with one scale each: codes i8[…, D] and scales f32[…, 1], the largest magnitude over
 * 127. An entry is rounded by itself when it is written, and never again.
 */
export function quantizeEntries(x: Node): { readonly codes: Node; readonly scales: Node } {
  const d = x.type.shape.at(-1)!;
  const scales = groupScales(x, d, CACHE_BITS);
  return { codes: quantizeRows(x, scales, d, CACHE_BITS), scales };
}

/**
 * Rows of a cache as attention reads them, f32[B, Hkv, S, D]. cache: [R, Hkv, S, D], in f32, in f16, or in i8 with
 * scales f32[R, Hkv, S, 1]; rows: i32[B].
 */
export function readCache(cache: Node, rows: Node, scales?: Node): Node {
  const picked = gather(cache, rows);
  if (!scales) return cast(picked, "f32");
  return dequantize(picked, gather(scales, rows), cache.type.shape.at(-1)!, CACHE_BITS);
}

/** The whole cache in f32. */
export function wideCache(cache: Value, scales?: Value): Value {
  if (!scales) return castValue(cache, "f32");
  const { shape } = cache.type;
  const attrs = { group: shape.at(-1)!, bits: CACHE_BITS };
  return dequantizeOp.evaluate!([cache, scales], attrs, { dtype: "f32", shape });
}
