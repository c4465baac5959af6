import { linear, matmul, type Node, rootsOf, sliceAxis, topological } from "@fusewire/ir";
import { mapEntries, type Pass } from "../pass.ts";
import { asProduct, joinable, joinRows, type Product } from "../product.ts";
import { closedNodes } from "../users.ts";

/**
 * x·W₁ᵀ, x·W₂ᵀ, … => slices of x·concat(W₁, W₂, …)ᵀ: products that share an input become one (queries, keys and
 * values of a layer). The joined matrix depends on weights alone, so hoist_prepare makes it once.
 */
export const fuseQkv: Pass = {
  name: "fuse_qkv",
  run: (module) =>
    mapEntries(module, (entry) => {
      const closed = closedNodes(entry);
      const groups: { readonly members: Node[]; readonly product: Product }[] = [];
      for (const node of topological(rootsOf(entry))) {
        const product = asProduct(node);
        const stored = product && !closed.has(product.x) && closed.has(product.weight);
        if (!stored || product.activation !== "none" || (product.bias && !closed.has(product.bias))) continue;
        const group = groups.find((candidate) => joinable(candidate.product, product));
        if (group) group.members.push(node);
        else groups.push({ members: [node], product });
      }
      const groupOf = new Map(
        groups.flatMap(({ members }) => members.map((node) => [node, members] as const)),
      );
      return (node, original) => {
        const members = groupOf.get(original);
        if (!members || members.length < 2) return node;
        const { weight, bias } = joinRows(members.map((member) => asProduct(member)!));
        const x = node.inputs[0]!;
        const joined = bias ? linear(x, weight, { bias }) : matmul(x, weight, { transposeB: true });
        const before = members
          .slice(0, members.indexOf(original))
          .reduce((sum, member) => sum + width(member), 0);
        return sliceAxis(joined, -1, before, width(original));
      };
    }),
};

const width = (node: Node): number => node.type.shape[node.type.shape.length - 1]!;
