import type { Tracer } from "../module.ts";
import type { Node } from "../node.ts";
import { mul } from "../ops/index.ts";
import type { Shape } from "../type.ts";

/** How caches are stored, for properties to draw from. */
export const CACHE_DTYPES = ["f32", "f16", "i8"] as const;

/** A cache [R, Hkv, S, D] of random floats as inputs of the entry: as it is stored, and the scales of its bytes if it is of bytes. */
export function storedCache(
  tracer: Tracer,
  name: string,
  dtype: (typeof CACHE_DTYPES)[number],
  shape: Shape,
): { readonly cache: Node; readonly scales: readonly Node[] } {
  const cache = tracer.input(name, { dtype, shape });
  if (dtype !== "i8") return { cache, scales: [] };
  // Random bytes fill their range, so that entries come to lie where other random floats do.
  const largest = tracer.input(`${name}.largest`, { dtype: "f32", shape: [...shape.slice(0, 3), 1] });
  return { cache, scales: [mul(largest, 1 / 127)] };
}
