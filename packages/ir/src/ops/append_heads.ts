import { FusewireError } from "../errors.ts";
import type { Node } from "../node.ts";
import { defineOp, emit } from "../op.ts";
import { sameShape } from "../type.ts";
import { castValue, emptyValue, floats, type Value } from "../value.ts";
import { cacheWrite, cacheWriteOp } from "./cache_write.ts";
import { cast } from "./cast.ts";
import { reshape, sliceAxis, transpose } from "./movement.ts";
import { rotary, rotaryOp } from "./rotary.ts";

interface AppendHeadsAttrs {
  /** The column of x where the first head begins. */
  readonly start: number;
  readonly ring: boolean;
  /** Whether the heads are turned by cos and sin on the way. */
  readonly rotary: boolean;
}

declare module "../node.ts" {
  interface OpAttrs {
    append_heads: AppendHeadsAttrs;
  }
}

export const appendHeadsOp = defineOp<"append_heads">({
  name: "append_heads",
  arity: [5, 7],
  attrs: { start: "int", ring: "bool", rotary: "bool" },
  infer: ([cache, rows, at, count, x, ...angles], { start, ring, rotary: turned }) => {
    const [batch, length, width] = x!.shape as [number, number, number];
    const [, groups, , d] = cache!.shape as [number, number, number, number];
    if (x!.shape.length !== 3 || cache!.shape.length !== 4 || x!.dtype !== "f32")
      throw new FusewireError("takes a cache [R, heads, slots, D] and x f32[B, T, width]");
    if (start < 0 || start + groups * d > width)
      throw new FusewireError(
        `${groups} heads of ${d} from column ${start} on lie outside x of width ${width}`,
      );
    if (angles.length !== (turned ? 2 : 0))
      throw new FusewireError("cos and sin come together, and where rotary says so");
    if (angles.some((angle) => angle.dtype !== "f32" || !sameShape(angle.shape, [batch, length, d / 2])))
      throw new FusewireError(`cos and sin must be f32[${[batch, length, d / 2]}]`);
    if (cache!.dtype !== "f32" && cache!.dtype !== "f16")
      throw new FusewireError("takes a cache of f32, or of f16, to which entries are rounded");
    const values = { dtype: cache!.dtype, shape: [batch, groups, length, d] };
    return cacheWriteOp.infer([cache!, rows!, at!, count!, values], { axis: 2, ring });
  },
  evaluate: ([cache, rows, at, count, x, ...angles], { start, ring }, type) => {
    const heads = headsOf(x!, start, type.shape[1]!, type.shape[3]!);
    const values = angles.length > 0 ? rotaryOp.evaluate!([heads, ...angles], {}, heads.type) : heads;
    const stored = castValue(values, type.dtype);
    return cacheWriteOp.evaluate!([cache!, rows!, at!, count!, stored], { axis: 2, ring }, type);
  },
  expand: ([cache, rows, at, count, x, cos, sin], { start, ring }) => {
    const [batch, length] = x!.type.shape as [number, number, number];
    const [, groups, , d] = cache!.type.shape as [number, number, number, number];
    const columns = sliceAxis(x!, 2, start, groups * d);
    const heads = transpose(reshape(columns, [batch, length, groups, d]), [0, 2, 1, 3]);
    const values = cos && sin ? rotary(heads, cos, sin) : heads;
    return cacheWrite(cache!, rows!, at!, count!, cast(values, cache!.type.dtype), 2, ring);
  },
  inPlace: true,
});

/** f32[B, T, width] -> f32[B, groups, T, D], the heads side by side in columns from `start` on. */
function headsOf(x: Value, start: number, groups: number, d: number): Value {
  const [batch, length, width] = x.type.shape as [number, number, number];
  const heads = emptyValue({ dtype: "f32", shape: [batch, groups, length, d] });
  for (let b = 0; b < batch; b++)
    for (let g = 0; g < groups; g++)
      for (let t = 0; t < length; t++) {
        const begin = (b * length + t) * width + start + g * d;
        heads.data.set(floats(x).subarray(begin, begin + d), ((b * groups + g) * length + t) * d);
      }
  return heads;
}

/**
 * Writes heads into a cache [R, heads, slots, D], of f32 or rounded to f16, as `cache_write` does, straight from the columns of a projection
 * x: f32[B, T, width], and turned by `rotary` where cos and sin: f32[B, T, D/2] are given.
 */
export function appendHeads(
  cache: Node,
  rows: Node,
  at: Node,
  count: Node,
  x: Node,
  start: number,
  { ring = false, cos, sin }: { ring?: boolean; cos?: Node; sin?: Node } = {},
): Node {
  const angles = cos && sin ? [cos, sin] : [];
  return emit(appendHeadsOp, [cache, rows, at, count, x, ...angles], {
    start,
    ring,
    rotary: angles.length > 0,
  });
}
