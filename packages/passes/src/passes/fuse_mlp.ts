import { gatedLinear, isActivation, type Node } from "@fusewire/ir";
import { mapEntries, type Pass } from "../pass.ts";
import { asProduct, joinable, joinRows, type Product } from "../product.ts";
import { countUses } from "../users.ts";

/**
 * activation(x·Wgᵀ) · (x·Wuᵀ) => gated_linear(x, concat(Wg, Wu)): the gate and up halves of an MLP are one product
 * whose epilogue multiplies them, when nothing else reads either.
 */
export const fuseMlp: Pass = {
  name: "fuse_mlp",
  run: (module) =>
    mapEntries(module, (entry) => {
      const uses = countUses(entry);
      return (node, original) => {
        if (node.op !== "mul" || !original.inputs.every((input) => uses.get(input) === 1)) return node;
        for (const [gate, up] of [node.inputs, [...node.inputs].reverse()] as [Node, Node][]) {
          const activated = asActivated(gate);
          const plain = asProduct(up);
          if (!activated || plain?.activation !== "none" || !joinable(activated, plain)) continue;
          if (activated.weight.type.shape[0] !== plain.weight.type.shape[0]) continue;
          const { weight, bias } = joinRows([activated, plain]);
          return gatedLinear(activated.x, weight, activated.activation, bias);
        }
        return node;
      };
    }),
};

/** A product with an activation, whether fuse_epilogue has taken it in already or not. */
function asActivated(node: Node): Product | undefined {
  if (isActivation(node.op)) {
    const product = asProduct(node.inputs[0]!);
    return product?.activation === "none" ? { ...product, activation: node.op } : undefined;
  }
  const product = asProduct(node);
  return product?.activation === "none" ? undefined : product;
}
