import { isNode, type Node, rotary, sameShape } from "@fusewire/ir";
import { any, op } from "../pattern.ts";
import { rewritePass, rule } from "../rewrite.ts";

const low = op("slice", [any("x")], { as: "low" });
const high = op("slice", [any("x")], { as: "high" });
const turned = op("concat", [
  op("sub", [op("mul", [low, any("cos")]), op("mul", [high, any("sin")])]),
  op("add", [op("mul", [high, any("cos")]), op("mul", [low, any("sin")])]),
]);

/** [B, 1, T, D/2] as it multiplies the heads -> the [B, T, D/2] it was reshaped from. */
const perPosition = (angle: Node): Node | undefined => {
  const [b, one, t, half] = angle.type.shape;
  const source = angle.op === "reshape" ? angle.inputs[0] : undefined;
  return one === 1 && source && sameShape(source.type.shape, [b!, t!, half!]) ? source : undefined;
};

/** concat(x₁·cos - x₂·sin, x₂·cos + x₁·sin) => rotary(x, cos, sin), x₁ and x₂ being the halves of each head. */
export const fuseRotary = rewritePass("fuse_rotary", [
  rule("rotary", turned, ({ x, low: first, high: second, cos, sin }, root) => {
    const c = perPosition(cos!);
    const s = perPosition(sin!);
    if (!c || !s || !isNode(first!, "slice") || !isNode(second!, "slice")) return undefined;
    const half = x!.type.shape[3]! / 2;
    const halves =
      sameShape(first.attrs.starts, [0, 0, 0, 0]) &&
      sameShape(second.attrs.starts, [0, 0, 0, half]) &&
      first.type.shape[3] === half &&
      second.type.shape[3] === half;
    return halves && sameShape(root.type.shape, x!.type.shape) ? rotary(x!, c, s) : undefined;
  }),
]);
