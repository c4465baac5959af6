import { cacheWrite, gather, type Node, plainAttention, plainRotary, reshape, transpose } from "@fusewire/ir";
import { type LayerContext, within } from "./context.ts";
import { linear } from "./layers.ts";
import type { Interval, Step } from "./step.ts";

export interface AttentionShape {
  readonly heads: number;
  /** Key heads; each serves heads / keyHeads query heads (grouped-query attention). */
  readonly keyHeads: number;
  readonly headDim: number;
  readonly qkvBias: boolean;
  readonly outBias: boolean;
  readonly scale: number;
  readonly softcap?: number;
}

/** Self-attention over the layer's key-value cache, with rotary positions (LlamaAttention). x: f32[B, T, width]. */
export const selfAttention = (
  context: LayerContext,
  layer: number,
  x: Node,
  step: Step,
  { lo, hi }: Interval,
  { cos, sin }: { readonly cos: Node; readonly sin: Node },
  shape: AttentionShape,
): Node =>
  within(context, "self_attn", (inner) => {
    const [batch, length, width] = x.type.shape as readonly [number, number, number];
    const { heads, keyHeads, headDim } = shape;
    const project = (name: string, count: number) =>
      splitHeads(linear(inner, name, x, count * headDim, shape.qkvBias), count);
    const q = plainRotary(project("q_proj", heads), cos, sin);
    const k = plainRotary(project("k_proj", keyHeads), cos, sin);
    const v = project("v_proj", keyHeads);
    const keys = append(inner, `cache.${layer}.keys`, k, step);
    const values = append(inner, `cache.${layer}.values`, v, step);
    const attended = plainAttention(q, gather(keys, step.rows), gather(values, step.rows), lo, hi, {
      scale: shape.scale,
      softcap: shape.softcap ?? 0,
    });
    const joined = reshape(transpose(attended, [0, 2, 1, 3]), [batch, length, heads * headDim]);
    return linear(inner, "o_proj", joined, width, shape.outBias);
  });

/** f32[B, T, heads · D] -> f32[B, heads, T, D] */
function splitHeads(x: Node, heads: number): Node {
  const [batch, length, width] = x.type.shape as readonly [number, number, number];
  return transpose(reshape(x, [batch, length, heads, width / heads]), [0, 2, 1, 3]);
}

/** Writes the step's keys or values f32[B, Hkv, T, D] into their cache; attention reads the cache back, the step's own part too. */
function append({ tracer }: LayerContext, name: string, x: Node, { cache, rows, at, count }: Step): Node {
  const [, keyHeads, , headDim] = x.type.shape as readonly [number, number, number, number];
  const state = tracer.state(name, { dtype: "f32", shape: [cache.rows, keyHeads, cache.capacity, headDim] });
  const written = cacheWrite(state, rows, at, count, x, 2);
  tracer.write(name, written);
  return written;
}
