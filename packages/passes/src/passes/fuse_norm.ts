import { isNode, rmsNorm, uniformValue } from "@fusewire/ir";
import { any, number, op } from "../pattern.ts";
import { rewritePass, rule } from "../rewrite.ts";

const meanSquare = op("div", [
  op("reduce_sum", [op("mul", [any("x"), any("x")])], { as: "sum" }),
  number("n"),
]);
const normalised = op("mul", [any("x"), op("rsqrt", [op("add", [meanSquare, number("eps")])])]);

/** x · rsqrt(sum(x²)/n + eps) · w => rms_norm(x, w), n being the size of the last axis that is summed. */
export const fuseNorm = rewritePass("fuse_norm", [
  rule("rms-norm", op("mul", [normalised, any("weight")]), ({ x, sum, n, eps, weight }) => {
    const shape = x!.type.shape;
    const size = shape[shape.length - 1];
    const lastAxis = isNode(sum!, "reduce_sum") && sum.attrs.axis === shape.length - 1;
    const fits =
      lastAxis &&
      uniformValue(n!) === size &&
      weight!.type.shape.length === 1 &&
      weight!.type.shape[0] === size;
    return fits ? rmsNorm(x!, weight!, uniformValue(eps!)!) : undefined;
  }),
]);
