import { isNode, rmsNorm, sameShape, sameType, uniformValue } from "@fusewire/ir";
import { any, number, op } from "../pattern.ts";
import { rewritePass, rule } from "../rewrite.ts";

const meanSquare = op("div", [
  op("reduce_sum", [op("mul", [any("x"), any("x")])], { as: "sum" }),
  number("n"),
]);
const normalised = op("mul", [any("x"), op("rsqrt", [op("add", [meanSquare, number("eps")])])]);

/** x · rsqrt(sum(x²)/n + eps) · w => rms_norm(x, w), n being the size of the last axis that is summed. */
export const fuseNorm = rewritePass("fuse_norm", [
  rule("rms-norm", op("mul", [normalised, any("weight")]), ({ x, sum, n, eps, weight }, root) => {
    const size = x!.type.shape.at(-1);
    const fits =
      isNode(sum!, "reduce_sum") &&
      sum.attrs.axis === x!.type.shape.length - 1 &&
      uniformValue(n!) === size &&
      sameShape(weight!.type.shape, x!.type.shape.slice(-1)) &&
      // Otherwise n or eps has a shape of its own, and broadcast x to it.
      sameType(root.type, x!.type);
    return fits ? rmsNorm(x!, weight!, uniformValue(eps!)!) : undefined;
  }),
]);
