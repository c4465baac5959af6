import { FusewireError } from "../errors.ts";
import type { Node } from "../node.ts";
import { defineOp, emit } from "../op.ts";
import { sameShape } from "../type.ts";
import { emptyValue } from "../value.ts";

/** What a random number is for; each use draws from a stream of its own. */
export const STREAMS = ["choose", "draft", "accept", "residual", "beam"] as const;
export type Stream = (typeof STREAMS)[number];

declare module "../node.ts" {
  interface OpAttrs {
    uniform: { readonly stream: string };
  }
}

/** One round of the output permutation of PCG-RXS-M-XS-32 over an LCG step (O'Neill 2014; Jarzynski & Olano 2020). */
export function hash32(x: number): number {
  const state = (Math.imul(x, 747796405) + 2891336453) >>> 0;
  const word = Math.imul((state >>> ((state >>> 28) + 4)) ^ state, 277803737) >>> 0;
  return ((word >>> 22) ^ word) >>> 0;
}

const streamTag = (stream: string): number => (STREAMS as readonly string[]).indexOf(stream);

export const uniformOp = defineOp<"uniform">({
  name: "uniform",
  arity: 2,
  attrs: { stream: "string" },
  infer: ([seed, position], { stream }) => {
    if (streamTag(stream) < 0) throw new FusewireError(`unknown stream '${stream}'`);
    const fits =
      seed!.dtype === "u32" && position!.dtype === "i32" && sameShape(seed!.shape, position!.shape);
    if (!fits) throw new FusewireError("takes seeds u32 and positions i32 of one shape");
    return { dtype: "f32", shape: seed!.shape };
  },
  evaluate: ([seed, position], { stream }, type) => {
    const out = emptyValue(type);
    const tag = streamTag(stream);
    for (let i = 0; i < out.data.length; i++) {
      const bits = hash32((hash32((hash32(seed!.data[i]!) ^ position!.data[i]!) >>> 0) ^ tag) >>> 0);
      // The upper 24 bits fill an f32 mantissa exactly, so 0 <= u < 1 without rounding.
      out.data[i] = (bits >>> 8) * 2 ** -24;
    }
    return out;
  },
});

/**
 * Random f32 in [0, 1), a pure function of seed (u32), position (i32) and stream:
 * top 24 bits of h(h(h(seed) ^ position) ^ stream), h = `hash32`. Every engine computes the same bits.
 */
export const uniform = (seed: Node, position: Node, stream: Stream): Node =>
  emit(uniformOp, [seed, position], { stream });
