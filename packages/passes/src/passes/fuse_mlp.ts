import { gatedLinear, isActivation, type Node } from "@fusewire/ir";
import { mapEntries, type Pass } from "../rewrite/pass.ts";
import { asProduct, isStored, joinable, joinRows, type Product } from "../rewrite/product.ts";
import { closedNodes, countUses } from "../rewrite/users.ts";

/**
 * activation(x·Wgᵀ) · (x·Wuᵀ) => gated_linear(x, concat(Wg, Wu)): the gate and up halves of an MLP are one product
 * whose epilogue multiplies them. Only when nothing else reads either, or they would be computed twice, and when both
 * matrices depend on weights alone, or they would be joined in every step.
 */
export const fuseMlp: Pass = {
  name: "fuse_mlp",
  run: (module) =>
    mapEntries(module, (entry) => {
      const uses = countUses(entry);
      const closed = closedNodes(entry);
      const readOnce = (node: Node): boolean => uses.get(node) === 1;
      return (node, original) => {
        if (node.op !== "mul") return node;
        for (const [gate, up] of [
          [0, 1],
          [1, 0],
        ] as const) {
          const activated = asActivated(original.inputs[gate]!, readOnce);
          const plain = readOnce(original.inputs[up]!) ? asProduct(original.inputs[up]!) : undefined;
          if (!activated || plain?.activation !== "none" || !joinable(activated, plain)) continue;
          if (activated.weight.type.shape[0] !== plain.weight.type.shape[0]) continue;
          if (!isStored(activated, closed) || !isStored(plain, closed)) continue;
          const { weight, bias } = joinRows([activated, plain]);
          // The weights stay what they were; x may have been rewritten since.
          const { x } = asProduct(node.inputs[up]!)!;
          return gatedLinear(x, weight, activated.activation, bias);
        }
        return node;
      };
    }),
};

/** A product with an activation, whether fuse_epilogue has taken it in already or not. */
function asActivated(node: Node, readOnce: (node: Node) => boolean): Product | undefined {
  if (!readOnce(node)) return undefined;
  if (isActivation(node.op)) {
    const product = readOnce(node.inputs[0]!) ? asProduct(node.inputs[0]!) : undefined;
    return product?.activation === "none" ? { ...product, activation: node.op } : undefined;
  }
  const product = asProduct(node);
  return product?.activation === "none" ? undefined : product;
}
