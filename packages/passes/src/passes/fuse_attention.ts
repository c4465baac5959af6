import {
  attention,
  broadcastShapes,
  broadcastTo,
  isNode,
  max,
  type Node,
  q8,
  reshape,
  type Shape,
  sameLayout,
  sameShape,
  sub,
  uniformValue,
} from "@fusewire/ir";
import { any, type Bindings, either, match, number, op, type Pattern } from "../rewrite/pattern.ts";
import { rewritePass, rule } from "../rewrite/rules.ts";
import { fitsRing, startsAtZero } from "./ring_run.ts";

/** Rows of a cache in f32. */
interface CacheRead {
  readonly cache: Node;
  readonly rows: Node;
  readonly scales: readonly Node[];
}

/** gather(cache, rows), as it is, widened from f16, or multiplied by the scale of each entry. */
function cacheRead(node: Node): CacheRead | undefined {
  const [source, sourceScales, zeros] = node.inputs;
  if (node.type.shape.length !== 4 || !source) return undefined;
  if (isNode(node, "gather"))
    return node.attrs.batch === 0 ? { cache: source, rows: node.inputs[1]!, scales: [] } : undefined;
  const read = isNode(source, "gather") ? cacheRead(source) : undefined;
  if (isNode(node, "cast")) return source.type.dtype === "f16" ? read : undefined;
  if (
    !read ||
    zeros ||
    !isNode(node, "dequantize") ||
    !sameLayout(node.attrs.layout, q8(node.type.shape[3]!))
  )
    return undefined;
  const scales = cacheRead(sourceScales!);
  return scales?.rows === read.rows ? { ...read, scales: [scales.cache] } : undefined;
}

/** K or V as attention reads it: rows of a cache, repeated for the query heads that share them or not. */
function heads(name: string): Pattern {
  const rows = any(`${name}Rows`, (node) => cacheRead(node) !== undefined);
  const apart = op("reshape", [rows], { as: `${name}Apart` });
  const repeated = op("broadcast_to", [apart], { as: `${name}Repeated` });
  return either(rows, op("reshape", [repeated], { as: `${name}Heads` }));
}

const slot = any("slot", (node) => node.op === "iota");
const newest = op("reduce_max", [any("last")], { as: "newest" });
/** The key that a slot of a ring holds: the latest j <= newest with j ≡ slot (mod S). */
const inRing = op("reshape", [op("sub", [newest, op("mod", [op("sub", [newest, slot]), number("slots")])])]);

/** lo <= j and j <= hi, j being the key that each slot holds: the one of its number, or in a ring. */
const interval = (j: Pattern): Pattern => op("and", [op("le", [any("lo"), j]), op("le", [j, any("hi")])]);
const mask = either(interval(slot), interval(inRing));

const product = (a: Pattern, b: Pattern, transposeB: boolean): Pattern =>
  op("matmul", [a, b], { when: (node) => isNode(node, "matmul") && node.attrs.transposeB === transposeB });

const scores = product(any("q"), heads("k"), true);
/** Scaled or not: canonicalise drops a scale of 1. */
const scaled = either(scores, op("mul", [scores, number("scale")]));
/** Capped or not: tanh(scores / cap) · cap. */
const capped = either(scaled, op("mul", [op("tanh", [op("div", [scaled, number("cap")])]), number("cap")]));
const weights = op("softmax", [op("where", [any("mask"), capped, number(Number.NEGATIVE_INFINITY)])]);

/**
 * matmul(softmax(where(lo <= j <= hi, softcap(q·kᵀ·scale), -inf)), v) => attention(q, K, V, rows, lo, hi), with
 * grouped heads kept grouped: the repeat of K and V, the [T, S] scores, and a cache of fewer bits in f32 are never
 * made. A query that sees no key gets zeros, where the plain form gives NaN.
 */
export const fuseAttention = rewritePass("fuse_attention", [
  rule("attention", product(weights, heads("v"), false), fuse),
]);

function fuse(bound: Bindings & Record<string, Node>, root: Node): Node | undefined {
  const { q, kRows, vRows, mask: masked, scale, cap } = bound;
  const [keys, values] = [cacheRead(kRows!)!, cacheRead(vRows!)!];
  const [b, h, t] = q!.type.shape as [number, number, number];
  // Otherwise some input was broadcast along rows, heads or queries, which attention does not do.
  const whole =
    sameShape(root.type.shape, [b, h, t, vRows!.type.shape[3]!]) &&
    keys.rows === values.rows &&
    sameShape(keys.rows.type.shape, [b]) &&
    keys.cache.type.dtype === values.cache.type.dtype &&
    sameShape(kRows!.type.shape.slice(0, 3), vRows!.type.shape.slice(0, 3));
  const softcap = cap ? uniformValue(cap)! : 0;
  // attention reads a cap of 0 or less as none.
  if (!whole || !repeats("k", bound) || !repeats("v", bound) || (cap && !(softcap > 0))) return undefined;
  const run = runOf(masked!, b, t, kRows!.type.shape[2]!);
  if (!run) return undefined;
  return attention(q!, keys.cache, values.cache, keys.rows, run.lo, run.hi, {
    scale: scale ? uniformValue(scale)! : 1,
    softcap,
    ring: run.ring,
    scales: [...keys.scales, ...values.scales],
  });
}

/** The run of keys that a mask lets each query see. */
function runOf(
  masked: Node,
  b: number,
  t: number,
  slots: number,
): { readonly lo: Node; readonly hi: Node; readonly ring: boolean } | undefined {
  for (const bound of match(mask, masked)) {
    const lo = perQuery(bound.lo!, [b, t]);
    const hi = perQuery(bound.hi!, [b, t]);
    if (!lo || !hi || !sameShape(bound.slot!.type.shape, [slots])) continue;
    const { newest: latest, last, slots: modulus } = bound;
    if (!latest) return { lo, hi, ring: false };
    // The newest key of the ring must be the last one that any query of the row sees. And no run may begin below 0,
    // where the plain form counts slots that hold no key yet, and attention does not.
    const isRing =
      last === hi &&
      uniformValue(modulus!) === slots &&
      isNode(latest, "reduce_max") &&
      latest.attrs.axis === 1 &&
      sameShape(latest.type.shape, [b, 1]) &&
      startsAtZero(lo);
    if (!isRing) continue;
    // Keys before the oldest are gone: the plain form does not see them, and attention must not look for them.
    return { lo: fitsRing(lo, hi, slots) ? lo : max(lo, sub(latest, slots - 1)), hi, ring: true };
  }
  return undefined;
}

/** Whether the heads of the cache are repeated side by side, [B, G, S, D] -> [B, G, 1, S, D] -> [B, G, R, S, D] -> [B, G·R, S, D], or not at all. */
function repeats(name: string, bound: Bindings): boolean {
  const apart = bound[`${name}Apart`];
  if (!apart) return true;
  const [b, g, s, d] = bound[`${name}Rows`]!.type.shape as [number, number, number, number];
  const r = bound[`${name}Repeated`]!.type.shape[2]!;
  return (
    sameShape(apart.type.shape, [b, g, 1, s, d]) &&
    sameShape(bound[`${name}Repeated`]!.type.shape, [b, g, r, s, d]) &&
    sameShape(bound[`${name}Heads`]!.type.shape, [b, g * r, s, d])
  );
}

/** What the mask compares with the key index, of a shape that broadcasts to [B, 1, T, 1], as one number a query: [B, T]. */
function perQuery(bound: Node, [b, t]: readonly [number, number]): Node | undefined {
  const source = bound.op === "reshape" ? bound.inputs[0]! : bound;
  const column: Shape = [b, 1, t, 1];
  const joined = broadcastShapes(bound.type.shape, column);
  if (!joined || !sameShape(joined, column)) return undefined;
  if (sameShape(bound.type.shape, column) && sameShape(source.type.shape, [b, t])) return source;
  return reshape(broadcastTo(bound, column), [b, t]);
}
