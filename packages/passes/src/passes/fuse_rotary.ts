import { broadcastTo, isNode, type Node, reshape, rotary, sameShape, slice } from "@fusewire/ir";
import { any, op } from "../rewrite/pattern.ts";
import { rewritePass, rule } from "../rewrite/rules.ts";

const low = op("slice", [any("x")], { as: "low" });
const high = op("slice", [any("x")], { as: "high" });
const turned = op("concat", [
  op("sub", [op("mul", [low, any("cos")]), op("mul", [high, any("sin")])]),
  op("add", [op("mul", [high, any("cos")]), op("mul", [low, any("sin")])]),
]);

/**
 * concat(x₁·cos - x₂·sin, x₂·cos + x₁·sin) => rotary(x, cos, sin), x₁ and x₂ being the halves of each head. Where the
 * halves lie inside a wider head (partial rotary), x is the slice of both.
 */
export const fuseRotary = rewritePass("fuse_rotary", [
  rule("rotary", turned, ({ x, low: first, high: second, cos, sin }, root) => {
    if (!isNode(first!, "slice") || !isNode(second!, "slice")) return undefined;
    if (root.type.shape.length !== 4 || root.type.dtype !== "f32") return undefined;
    const [b, h, t, d] = root.type.shape as [number, number, number, number];
    const half = d / 2;
    const halves =
      sameShape(first.type.shape, [b, h, t, half]) &&
      sameShape(second.type.shape, first.type.shape) &&
      second.attrs.starts.every((start, k) => start === first.attrs.starts[k]! + (k === 3 ? half : 0));
    const angles = [cos!, sin!].map((angle) => perPosition(angle, [b, t, half]));
    if (!halves || !angles[0] || !angles[1]) return undefined;
    return rotary(slice(x!, first.attrs.starts, root.type.shape), angles[0], angles[1]);
  }),
]);

/** [B, 1, T, D/2] as it multiplies the heads, where B may still be 1 -> [B, T, D/2]. */
function perPosition(angle: Node, [b, t, half]: readonly [number, number, number]): Node | undefined {
  const [batch, ...rest] = angle.type.shape;
  if (!sameShape(rest, [1, t, half]) || (batch !== b && batch !== 1)) return undefined;
  const source = angle.op === "reshape" ? angle.inputs[0]! : angle;
  if (sameShape(source.type.shape, [b, t, half])) return source;
  return reshape(broadcastTo(angle, [b, 1, t, half]), [b, t, half]);
}
