import {
  cacheWrite,
  cast,
  type DType,
  type Node,
  plainAttention,
  plainRotary,
  quantizeEntries,
  readCache,
  reshape,
  transpose,
} from "@fusewire/ir";
import { type LayerContext, within } from "./context.ts";
import { linear } from "./layers.ts";
import { cacheSlots, causal, type Step } from "./step.ts";

export interface AttentionShape {
  readonly heads: number;
  /** Key heads; each serves heads / keyHeads query heads (grouped-query attention). */
  readonly keyHeads: number;
  readonly headDim: number;
  readonly qkvBias: boolean;
  readonly outBias: boolean;
  readonly scale: number;
  readonly softcap?: number;
  /** Tokens a query sees, itself included; all before it where not given. */
  readonly window?: number;
}

/** Cosines and sines of the rotary angles; see `rotaryAngles`. */
export interface Angles {
  readonly cos: Node;
  readonly sin: Node;
}

/**
 * Self-attention over the layer's key-value cache, with rotary positions where angles are given (LlamaAttention).
 * x: f32[B, T, width].
 */
export const selfAttention = (
  context: LayerContext,
  layer: number,
  x: Node,
  step: Step,
  angles: Angles | undefined,
  shape: AttentionShape,
  outProjection = "o_proj",
): Node =>
  within(context, "self_attn", (inner) => {
    const [batch, length, width] = x.type.shape as readonly [number, number, number];
    const { heads, keyHeads, headDim, scale, softcap = 0, window } = shape;
    const project = (name: string, count: number) =>
      splitHeads(linear(inner, name, x, count * headDim, shape.qkvBias), count);
    const turn = (y: Node) => (angles ? plainRotary(y, angles.cos, angles.sin) : y);
    const q = turn(project("q_proj", heads));
    const k = turn(project("k_proj", keyHeads));
    const v = project("v_proj", keyHeads);
    const keys = append(inner, `cache.${layer}.keys`, k, step, window);
    const values = append(inner, `cache.${layer}.values`, v, step, window);
    const { lo, hi } = causal(step, window);
    const attended = plainAttention(q, keys, values, lo, hi, {
      scale,
      softcap,
      ring: cacheSlots(step.cache, window).ring,
    });
    const joined = reshape(transpose(attended, [0, 2, 1, 3]), [batch, length, heads * headDim]);
    return linear(inner, outProjection, joined, width, shape.outBias);
  });

/** f32[B, T, heads · D] -> f32[B, heads, T, D] */
function splitHeads(x: Node, heads: number): Node {
  const [batch, length, width] = x.type.shape as readonly [number, number, number];
  return transpose(reshape(x, [batch, length, heads, width / heads]), [0, 2, 1, 3]);
}

/**
 * Writes the step's keys or values f32[B, Hkv, T, D] into their cache and gives the cache rows of the step,
 * f32[B, Hkv, S, D]: attention reads the cache back, the step's own part too. With bytes the scales of the entries are
 * a state of their own.
 */
function append(
  { tracer }: LayerContext,
  name: string,
  x: Node,
  step: Step,
  window: number | undefined,
): Node {
  const { slots, ring } = cacheSlots(step.cache, window);
  const write = (state: string, dtype: DType, entries: Node): Node => {
    const [, keyHeads, , width] = entries.type.shape as readonly [number, number, number, number];
    const cache = tracer.state(state, { dtype, shape: [step.cache.rows, keyHeads, slots, width] });
    const written = cacheWrite(cache, step.rows, step.at, step.count, entries, 2, ring);
    tracer.write(state, written);
    return written;
  };
  const { dtype } = step.cache;
  if (dtype !== "i8") return readCache(write(name, dtype, cast(x, dtype)), step.rows);
  const { codes, scales } = quantizeEntries(x);
  return readCache(write(name, dtype, codes), step.rows, write(`${name}.scales`, "f32", scales));
}
