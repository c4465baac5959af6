import { FusewireError } from "../errors.ts";
import type { Node } from "../node.ts";
import { defineOp, emit } from "../op.ts";
import { sameShape } from "../type.ts";
import { emptyValue, floats } from "../value.ts";
import { and, div, le, max, min, mod, mul, sub } from "./binary.ts";
import { readCache, wideCache } from "./cache_rows.ts";
import { iota } from "./iota.ts";
import { matmul } from "./matmul.ts";
import { broadcastTo, reshape } from "./movement.ts";
import { reduceMax } from "./reduce.ts";
import { softmax } from "./softmax.ts";
import { tanh } from "./unary.ts";
import { where } from "./where.ts";

/** Each step rounds where the plain form does. */
const round = Math.fround;

interface AttentionAttrs {
  readonly scale: number;
  readonly softcap: number;
  /** Key j is in slot j mod S instead of slot j. */
  readonly ring: boolean;
}

declare module "../node.ts" {
  interface OpAttrs {
    attention: AttentionAttrs;
  }
}

export const attentionOp = defineOp<"attention">({
  name: "attention",
  arity: [6, 8],
  attrs: { scale: "float", softcap: "float", ring: "bool" },
  infer: ([q, keys, values, rows, lo, hi, ...scales]) => {
    const [b, h, t, d] = q!.shape;
    const [, groups, , kd] = keys!.shape;
    const places = keys!.shape.slice(0, 3);
    const fits =
      [q, keys, values].every((x) => x!.shape.length === 4) &&
      q!.dtype === "f32" &&
      d === kd &&
      h! % groups! === 0 &&
      sameShape(places, values!.shape.slice(0, 3)) &&
      sameShape(rows!.shape, [b!]) &&
      sameShape(lo!.shape, [b!, t!]) &&
      sameShape(hi!.shape, [b!, t!]) &&
      [rows, lo, hi].every((x) => x!.dtype === "i32");
    if (!fits)
      throw new FusewireError(
        "takes q f32[B, H, T, D], keys and values [R, Hkv, S, D], rows i32[B], lo and hi i32[B, T]; Hkv must divide H",
      );
    const coded = keys!.dtype === "i8";
    const stored =
      keys!.dtype === values!.dtype &&
      (coded || keys!.dtype === "f32" || keys!.dtype === "f16") &&
      scales.length === (coded ? 2 : 0) &&
      scales.every(({ dtype, shape }) => dtype === "f32" && sameShape(shape, [...places, 1]));
    if (!stored)
      throw new FusewireError(
        "takes keys and values both as f32, both as f16, or both as i8 with scales f32[R, Hkv, S, 1] of each",
      );
    return { dtype: "f32", shape: [b!, h!, t!, values!.shape[3]!] };
  },
  evaluate: (
    [q, storedKeys, storedValues, rows, lo, hi, keyScales, valueScales],
    { scale, softcap, ring },
    type,
  ) => {
    const keys = wideCache(storedKeys!, keyScales);
    const values = wideCache(storedValues!, valueScales);
    const value = emptyValue(type);
    const [batch, heads, length, d] = q!.type.shape as [number, number, number, number];
    const [cacheRows, groups, slots, dv] = values.type.shape as [number, number, number, number];
    const [query, key, v, out] = [floats(q!), floats(keys), floats(values), floats(value)];
    const weights = new Float64Array(slots);
    const sums = new Float64Array(dv);
    for (let b = 0; b < batch; b++)
      for (let h = 0; h < heads; h++)
        for (let t = 0; t < length; t++) {
          const last = hi!.data[b * length + t]!;
          const to = ring ? last : Math.min(slots - 1, last);
          // A ring holds the latest `slots` keys; what a longer run would begin with is gone.
          const from = Math.max(0, lo!.data[b * length + t]!, ring ? to - slots + 1 : 0);
          if (from > to) continue;
          const queryAt = ((b * heads + h) * length + t) * d;
          // A row outside the cache reads the nearest one, as `gather` does.
          const row = Math.min(cacheRows - 1, Math.max(0, rows!.data[b]!));
          const firstSlot = (row * groups + Math.floor((h * groups) / heads)) * slots;
          let largest = Number.NEGATIVE_INFINITY;
          for (let j = from; j <= to; j++) {
            const keyAt = (firstSlot + (j % slots)) * d;
            let dot = 0;
            for (let k = 0; k < d; k++) dot += query[queryAt + k]! * key[keyAt + k]!;
            const score = capped(round(round(dot) * round(scale)), round(softcap));
            weights[j % slots] = score;
            largest = Math.max(largest, score);
          }
          let total = 0;
          for (let j = from; j <= to; j++) {
            const weight = round(Math.exp(round(weights[j % slots]! - largest)));
            weights[j % slots] = weight;
            total += weight;
          }
          sums.fill(0);
          for (let j = from; j <= to; j++) {
            const weight = round(weights[j % slots]! / round(total));
            const valueAt = (firstSlot + (j % slots)) * dv;
            for (let k = 0; k < dv; k++) sums[k]! += weight * v[valueAt + k]!;
          }
          out.set(sums, ((b * heads + h) * length + t) * dv);
        }
    return value;
  },
  expand: ([q, keys, values, rows, lo, hi, keyScales, valueScales], attrs) => {
    // An empty slot of a ring counts as a key below 0.
    const first = attrs.ring ? max(lo!, 0) : lo!;
    const [k, v] = [readCache(keys!, rows!, keyScales), readCache(values!, rows!, valueScales)];
    const attended = plainAttention(q!, k, v, first, hi!, attrs);
    // An empty run gives zeros, where softmax over nothing but -inf would give NaN.
    const [b, t] = lo!.type.shape as [number, number];
    const last = attrs.ring ? hi! : min(hi!, keys!.type.shape[2]! - 1);
    const nonEmpty = and(le(lo!, last), le(0, last));
    return where(reshape(nonEmpty, [b, 1, t, 1]), attended, 0);
  },
});

/** A score under a soft cap: tanh(score / cap) · cap. */
const capped = (score: number, cap: number): number =>
  cap > 0 ? round(round(Math.tanh(round(score / cap))) * cap) : score;

/**
 * Attention in plain ops: what `fuse_attention` recognises. q: f32[B, H, T, D]; keys, values: f32[B, Hkv, S, D];
 * lo, hi: i32[B, T], the run of keys each query sees. Heads on one key head share it (grouped-query attention).
 */
export function plainAttention(
  q: Node,
  keys: Node,
  values: Node,
  lo: Node,
  hi: Node,
  { scale, softcap, ring }: AttentionAttrs,
): Node {
  const heads = q.type.shape[1]!;
  const [b, t] = lo.type.shape as [number, number];
  const at = keyIndex(hi, keys.type.shape[2]!, ring);
  let scores = mul(matmul(q, repeatHeads(keys, heads), { transposeB: true }), scale);
  if (softcap > 0) scores = mul(tanh(div(scores, softcap)), softcap);
  const seen = and(le(reshape(lo, [b, 1, t, 1]), at), le(at, reshape(hi, [b, 1, t, 1])));
  return matmul(softmax(where(seen, scores, Number.NEGATIVE_INFINITY)), repeatHeads(values, heads));
}

/**
 * Which key each slot holds, as the mask compares it: i32[S], or i32[B, 1, 1, S] for a ring. There slot s holds the
 * latest index j <= newest with j ≡ s (mod S), which is newest - ((newest - s) mod S); below 0 it is still empty.
 */
function keyIndex(hi: Node, slots: number, ring: boolean): Node {
  const slot = iota(hi.table, slots);
  if (!ring) return slot;
  const newest = reduceMax(hi);
  const held = sub(newest, mod(sub(newest, slot), slots));
  return reshape(held, [held.type.shape[0]!, 1, 1, slots]);
}

/** [B, Hkv, S, D] -> [B, heads, S, D], each key head repeated for the query heads that share it. */
export function repeatHeads(x: Node, heads: number): Node {
  const [b, groups, s, d] = x.type.shape as [number, number, number, number];
  if (groups === heads) return x;
  const repeated = broadcastTo(reshape(x, [b, groups, 1, s, d]), [b, groups, heads / groups, s, d]);
  return reshape(repeated, [b, heads, s, d]);
}

/**
 * softmax(softcap(q·kᵀ·scale))·v over one run of keys a query, `lo <= j <= hi`; an empty run gives zeros.
 * q: f32[B, H, T, D]; keys, values: the caches [R, Hkv, S, D], in f32, in f16, or in i8 with `scales` of keys and
 * values, f32[R, Hkv, S, 1]; rows: i32[B], the cache row of each q row; lo, hi: i32[B, T]. softcap 0 means none. With
 * `ring`, key j is in slot j mod S, and every run must lie within the S latest keys.
 */
export const attention = (
  q: Node,
  keys: Node,
  values: Node,
  rows: Node,
  lo: Node,
  hi: Node,
  {
    scale,
    softcap = 0,
    ring = false,
    scales = [],
  }: { scale: number; softcap?: number; ring?: boolean; scales?: readonly Node[] },
): Node => emit(attentionOp, [q, keys, values, rows, lo, hi, ...scales], { scale, softcap, ring });
