import { isNode, layerNorm, type Node, rmsNorm, sameShape, sameType, uniformValue } from "@fusewire/ir";
import { any, number, op } from "../rewrite/pattern.ts";
import { rewritePass, rule } from "../rewrite/rules.ts";

const meanSquare = op("div", [
  op("reduce_sum", [op("mul", [any("x"), any("x")])], { as: "sum" }),
  number("n"),
]);
const normalised = op("mul", [any("x"), op("rsqrt", [op("add", [meanSquare, number("eps")])])]);
const centred = op("sub", [
  any("input"),
  op("div", [op("reduce_sum", [any("input")], { as: "total" }), number("n")]),
]);

/** Whether the node sums the last axis, which `n` counts. */
const sumsLast = (sum: Node, n: Node): boolean => {
  const shape = sum.inputs[0]!.type.shape;
  return isNode(sum, "reduce_sum") && sum.attrs.axis === shape.length - 1 && uniformValue(n) === shape.at(-1);
};

/**
 * x · rsqrt(sum(x²)/n + eps) · w => rms_norm(x, w), n being the size of the last axis that is summed; the same with
 * x - sum(x)/n for x, and a bias added, => layer_norm(x, w, bias).
 */
export const fuseNorm = rewritePass("fuse_norm", [
  rule("rms-norm", op("mul", [normalised, any("weight")]), ({ x, sum, n, eps, weight }, root) => {
    const fits =
      sumsLast(sum!, n!) &&
      sameShape(weight!.type.shape, x!.type.shape.slice(-1)) &&
      // Otherwise n or eps has a shape of its own, and broadcast x to it.
      sameType(root.type, x!.type);
    return fits ? rmsNorm(x!, weight!, uniformValue(eps!)!) : undefined;
  }),
  // The first rule has run below this node, for bottom-up means inputs first.
  rule(
    "layer-norm",
    op("add", [op("rms_norm", [centred, any("weight")], { as: "norm" }), any("bias")]),
    ({ input, total, n, norm, weight, bias }, root) => {
      const fits =
        sumsLast(total!, n!) &&
        sameShape(bias!.type.shape, weight!.type.shape) &&
        sameType(root.type, input!.type);
      return fits && isNode(norm!, "rms_norm")
        ? layerNorm(input!, weight!, bias!, norm.attrs.eps)
        : undefined;
    },
  ),
]);
