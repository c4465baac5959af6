import { attention, isNode, type Node, sameShape, uniformValue } from "@fusewire/ir";
import { any, number, op, type Pattern } from "../pattern.ts";
import { rewritePass, rule } from "../rewrite.ts";

/** K or V as attention reads it: rows of a cache, repeated for the query heads that share them or not. */
const heads = (name: string): Pattern[] => {
  const rows = op("gather", [any(`${name}Cache`), any("rows")]);
  return [rows, op("reshape", [op("broadcast_to", [op("reshape", [rows], { as: `${name}Grouped` })])])];
};

/** lo <= j and j <= hi, j being the index along the keys. */
const interval = op("and", [
  op("le", [any("lo"), any("j", (node) => node.op === "iota")]),
  op("le", [any("j"), any("hi")]),
]);

const product = (keys: Pattern) =>
  op("matmul", [any("q"), keys], { when: (node) => isNode(node, "matmul") && node.attrs.transposeB });

/** The scores with and without a soft cap: tanh(q·kᵀ·scale / cap) · cap. */
const scores = (keys: Pattern): Pattern[] => {
  const scaled = op("mul", [product(keys), number("scale")]);
  return [scaled, op("mul", [op("tanh", [op("div", [scaled, number("cap")])]), number("cap")])];
};

const FORMS: Pattern[] = heads("k").flatMap((keys) =>
  scores(keys).flatMap((score) =>
    heads("v").map((values) =>
      op("matmul", [
        op("softmax", [op("where", [interval, score, number(Number.NEGATIVE_INFINITY)])]),
        values,
      ]),
    ),
  ),
);

/** [B, 1, T, 1] as the mask compares it -> the [B, T] it was reshaped from. */
const perQuery = (bound: Node, shape: readonly number[]): Node | undefined =>
  bound.op === "reshape" && sameShape(bound.inputs[0]!.type.shape, shape) ? bound.inputs[0] : undefined;

/**
 * matmul(softmax(where(lo <= j <= hi, softcap(q·kᵀ·scale), -inf)), v) => attention(q, K, V, rows, lo, hi), with
 * grouped heads kept grouped: the repeat of K and V and the [T, S] scores are never made.
 */
export const fuseAttention = rewritePass(
  "fuse_attention",
  FORMS.map((pattern, index) =>
    rule(
      `attention-${index}`,
      pattern,
      ({ q, kCache, vCache, rows, lo, hi, scale, cap, kGrouped, vGrouped }) => {
        const [b, , t] = q!.type.shape as [number, number, number];
        const first = perQuery(lo!, [b, t]);
        const last = perQuery(hi!, [b, t]);
        const grouped = [kGrouped, vGrouped].every((node) => !node || node.type.shape[2] === 1);
        if (!first || !last || !grouped || rows!.type.shape.length !== 1) return undefined;
        return attention(q!, kCache!, vCache!, rows!, first, last, {
          scale: uniformValue(scale!)!,
          softcap: cap ? uniformValue(cap)! : 0,
        });
      },
    ),
  ),
);
