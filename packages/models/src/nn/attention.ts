import {
  cacheWrite,
  cast,
  concat,
  type DType,
  type Node,
  plainAttention,
  plainRotary,
  quantizeEntries,
  readCache,
  reshape,
  sliceAxis,
  transpose,
} from "@fusewire/ir";
import { type LayerContext, within } from "./context.ts";
import { linear } from "./layers.ts";
import { type Norm, norm } from "./norm.ts";
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
  /** Norms of queries and keys, where there are any. */
  readonly qkNorm?: QueryKeyNorm;
  /** Names of the module and its output projection, where not those of Llama. */
  readonly names?: { readonly scope: string; readonly out: string };
}

/** Norms of queries and keys. */
export interface QueryKeyNorm {
  readonly norm: Norm;
  /** Over each head (Qwen3), or over all heads as they are projected (OLMo 2). */
  readonly over: "head" | "heads";
  /** After the rotary positions rather than before them (HunYuan). */
  readonly afterRotary?: boolean;
  /** Their names, where not `q_norm` and `k_norm`. */
  readonly names?: { readonly q: string; readonly k: string };
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
): Node =>
  within(context, shape.names?.scope ?? "self_attn", (inner) => {
    const [batch, length, width] = x.type.shape as readonly [number, number, number];
    const { heads, keyHeads, headDim, scale, softcap = 0, window } = shape;
    const { q: qNorm, k: kNorm } = shape.qkNorm?.names ?? { q: "q_norm", k: "k_norm" };
    const project = (name: string, count: number) => linear(inner, name, x, count * headDim, shape.qkvBias);
    const q = place(inner, project("q_proj", heads), heads, qNorm, angles, shape.qkNorm);
    const k = place(inner, project("k_proj", keyHeads), keyHeads, kNorm, angles, shape.qkNorm);
    const v = splitHeads(project("v_proj", keyHeads), keyHeads);
    const keys = append(inner, `cache.${layer}.keys`, k, step, window);
    const values = append(inner, `cache.${layer}.values`, v, step, window);
    const { lo, hi } = causal(step, window);
    const attended = plainAttention(q, keys, values, lo, hi, {
      scale,
      softcap,
      ring: cacheSlots(step.cache, window).ring,
    });
    const joined = reshape(transpose(attended, [0, 2, 1, 3]), [batch, length, heads * headDim]);
    return linear(inner, shape.names?.out ?? "o_proj", joined, width, shape.outBias);
  });

/** Queries or keys f32[B, T, heads · D] as heads f32[B, heads, T, D], normed and turned. */
function place(
  context: LayerContext,
  projected: Node,
  heads: number,
  name: string,
  angles: Angles | undefined,
  qkNorm: QueryKeyNorm | undefined,
): Node {
  const normed = (y: Node) => (qkNorm ? norm(context, name, y, qkNorm.norm) : y);
  const split = splitHeads(qkNorm?.over === "heads" ? normed(projected) : projected, heads);
  const before = qkNorm?.over === "head" && !qkNorm.afterRotary ? normed(split) : split;
  const turned = angles ? turn(before, angles) : before;
  return qkNorm?.over === "head" && qkNorm.afterRotary ? normed(turned) : turned;
}

/** Turns the first elements of each head, as many as there are angles; the others stay. */
function turn(x: Node, { cos, sin }: Angles): Node {
  const headDim = x.type.shape[3]!;
  const turned = 2 * cos.type.shape[2]!;
  if (turned === headDim) return plainRotary(x, cos, sin);
  const rest = sliceAxis(x, 3, turned, headDim - turned);
  return concat([plainRotary(sliceAxis(x, 3, 0, turned), cos, sin), rest], 3);
}

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
