import { FusewireError } from "../errors.ts";
import type { Node } from "../node.ts";
import { defineOp, emit } from "../op.ts";
import { sameShape } from "../type.ts";
import { emptyValue } from "../value.ts";
import { add, mul, sub } from "./binary.ts";
import { concat, reshape, sliceAxis } from "./movement.ts";

declare module "../node.ts" {
  interface OpAttrs {
    rotary: Record<never, never>;
  }
}

export const rotaryOp = defineOp<"rotary">({
  name: "rotary",
  arity: 3,
  attrs: {},
  infer: ([x, cos, sin]) => {
    const [b, , t, d] = x!.shape;
    const want = [b!, t!, d! / 2];
    if (
      [x, cos, sin].some((value) => value!.dtype !== "f32") ||
      x!.shape.length !== 4 ||
      !sameShape(cos!.shape, want) ||
      !sameShape(sin!.shape, want)
    )
      throw new FusewireError(`takes x f32[B, heads, T, D] with cos and sin f32[B, T, D/2]`);
    return x!;
  },
  evaluate: ([x, cos, sin], _attrs, type) => {
    const out = emptyValue(type);
    const [batch, heads, length, d] = type.shape as [number, number, number, number];
    const half = d / 2;
    const round = Math.fround;
    for (let b = 0; b < batch; b++)
      for (let h = 0; h < heads; h++)
        for (let t = 0; t < length; t++)
          for (let k = 0; k < half; k++) {
            const at = ((b * heads + h) * length + t) * d + k;
            const c = cos!.data[(b * length + t) * half + k]!;
            const s = sin!.data[(b * length + t) * half + k]!;
            const [low, high] = [x!.data[at]!, x!.data[at + half]!];
            out.data[at] = round(low * c) - round(high * s);
            out.data[at + half] = round(high * c) + round(low * s);
          }
    return out;
  },
  expand: ([x, cos, sin]) => plainRotary(x!, cos!, sin!),
});

/** Rotates the pairs (x[k], x[k + D/2]) in plain ops: what `fuse_rotary` recognises. */
export function plainRotary(x: Node, cos: Node, sin: Node): Node {
  const [b, , t, d] = x.type.shape as [number, number, number, number];
  const half = d / 2;
  const c = reshape(cos, [b, 1, t, half]);
  const s = reshape(sin, [b, 1, t, half]);
  const low = sliceAxis(x, 3, 0, half);
  const high = sliceAxis(x, 3, half, half);
  return concat([sub(mul(low, c), mul(high, s)), add(mul(high, c), mul(low, s))], 3);
}

/**
 * Rotary position embedding in Hugging Face's half-split layout (RoFormer, Su et al. 2021): elements k and
 * k + D/2 of each head turn by the angle whose cosine and sine are given. x: f32[B, heads, T, D];
 * cos, sin: f32[B, T, D/2].
 */
export const rotary = (x: Node, cos: Node, sin: Node): Node => emit(rotaryOp, [x, cos, sin], {});
