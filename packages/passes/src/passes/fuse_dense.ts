import {
  type DenseNorm,
  type DenseProduct,
  dense,
  epilogueOf,
  isNode,
  type Node,
  sizeOf,
} from "@fusewire/ir";
import type { RowClass } from "../engine/lowered.ts";
import { narrowOf } from "../rewrite/narrow.ts";
import { mapEntries, type Pass } from "../rewrite/pass.ts";
import { countUses } from "../rewrite/users.ts";

/** Every workgroup of the product normalises its rows anew, which is only cheaper than a launch when they are few. */
const MOST_ROWS = 32;
/** And when the product is not so wide that reading x over and over counts, as an output layer is. */
const WIDEST = 32;

/**
 * linear(rms_norm(x, g), W) => dense(x, g, W); likewise layer_norm, gated_linear and plain products: the norm costs no
 * launch, and its result no memory. Only when nothing else reads the norm, and not in a chunk, whose bits would then
 * depend on how many rows it has. And linear(x, cast(W)) => dense(x, W),
 * where the cast widens: the weight stays in 16 bits.
 */
export const fuseDense = (rows: RowClass): Pass => ({
  name: "fuse_dense",
  run: (module) =>
    mapEntries(module, (entry) => {
      const uses = countUses(entry);
      return (node, original) => {
        const taken =
          rows === "few" && original.inputs[0] !== undefined && uses.get(original.inputs[0]) === 1;
        return fuse(node, taken) ?? node;
      };
    }),
});

function fuse(node: Node, takesNorm: boolean): Node | undefined {
  const product = productOf(node);
  if (!product) return undefined;
  const input = node.inputs[0]!;
  const weight = narrowOf(product.weight);
  const norm = takesNorm ? normOf(input, product.weight) : undefined;
  if (!norm && !weight) return undefined;
  return dense(norm ? input.inputs[0]! : input, { ...product, weight: weight ?? product.weight }, norm);
}

function normOf(node: Node, weight: Node): DenseNorm | undefined {
  if (!isNode(node, "rms_norm") && !isNode(node, "layer_norm")) return undefined;
  const [, gain, shift] = node.inputs as readonly [Node, Node, Node?];
  const [n, k] = weight.type.shape as [number, number];
  const few = sizeOf(node.type.shape) / k <= MOST_ROWS && n <= WIDEST * k;
  return few ? { gain, shift, eps: node.attrs.eps } : undefined;
}

function productOf(node: Node): DenseProduct | undefined {
  const [, weight, ...rest] = node.inputs as readonly [Node, Node, ...Node[]];
  if (isNode(node, "gated_linear"))
    return { weight, bias: rest[0], activation: node.attrs.activation, gated: true };
  if (isNode(node, "linear")) {
    const { activation } = node.attrs;
    return { weight, ...epilogueOf(rest, node.attrs), activation, gated: false };
  }
  const plain = isNode(node, "matmul") && node.attrs.transposeB && weight.type.shape.length === 2;
  return plain ? { weight, activation: "none", gated: false } : undefined;
}
