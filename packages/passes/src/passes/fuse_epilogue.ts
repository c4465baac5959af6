import { isActivation, linear, type Node, sameShape, sameType } from "@fusewire/ir";
import { mapEntries, type Pass } from "../rewrite/pass.ts";
import { asProduct } from "../rewrite/product.ts";
import { countUses } from "../rewrite/users.ts";

/**
 * x·Wᵀ + bias => linear; activation(linear) => linear; linear + residual => linear. A product is only taken into
 * its user when nothing else reads it, or it would be computed twice.
 */
export const fuseEpilogue: Pass = {
  name: "fuse_epilogue",
  run: (module) =>
    mapEntries(module, (entry) => {
      const uses = countUses(entry);
      return (node, original) => fuse(node, (side) => uses.get(original.inputs[side]!) === 1);
    }),
};

function fuse(node: Node, readOnce: (side: number) => boolean): Node {
  const productAt = (side: number) => (readOnce(side) ? asProduct(node.inputs[side]!) : undefined);
  if (isActivation(node.op)) {
    const product = productAt(0);
    if (product?.activation === "none")
      return linear(product.x, product.weight, { ...product, activation: node.op });
  }
  if (node.op !== "add") return node;
  for (const side of [0, 1]) {
    const product = productAt(side);
    if (!product || !sameType(node.inputs[side]!.type, node.type)) continue;
    const other = node.inputs[1 - side]!;
    const { x, weight, bias, activation } = product;
    if (!bias && activation === "none" && sameShape(other.type.shape, weight.type.shape.slice(0, 1)))
      return linear(x, weight, { bias: other });
    if (sameType(other.type, node.type)) return linear(x, weight, { ...product, residual: other });
  }
  return node;
}
