import { type Entry, linear, matmul, type Node, rootsOf, sliceAxis, topological } from "@fusewire/ir";
import { mapEntries, type Pass } from "../rewrite/pass.ts";
import { asProduct, isStored, joinRows } from "../rewrite/product.ts";
import { closedNodes } from "../rewrite/users.ts";

/** As many matrices as one concat takes; experts of a mixture may all read the same input. */
const LARGEST_GROUP = 64;

/**
 * x·W₁ᵀ, x·W₂ᵀ, … => slices of x·concat(W₁, W₂, …)ᵀ: products that share an input become one (queries, keys and
 * values of a layer). The joined matrix depends on weights alone, so hoist_prepare makes it once.
 */
export const fuseQkv: Pass = {
  name: "fuse_qkv",
  run: (module) =>
    mapEntries(module, (entry) => {
      const groupOf = new Map(
        findGroups(entry).flatMap((group) => group.map((node) => [node, group] as const)),
      );
      return (node, original) => {
        const group = groupOf.get(original);
        if (!group) return node;
        const { weight, bias } = joinRows(group.map((member) => asProduct(member)!));
        const x = node.inputs[0]!;
        const joined = bias ? linear(x, weight, { bias }) : matmul(x, weight, { transposeB: true });
        const before = group
          .slice(0, group.indexOf(original))
          .reduce((sum, member) => sum + width(member), 0);
        return sliceAxis(joined, -1, before, width(original));
      };
    }),
};

/** Two or more products of one input with stored matrices, all with a bias or all without. */
function findGroups(entry: Entry): Node[][] {
  const closed = closedNodes(entry);
  const byInput = new Map<string, Node[][]>();
  for (const node of topological(rootsOf(entry))) {
    const product = asProduct(node);
    if (product?.activation !== "none" || closed.has(product.x) || !isStored(product, closed)) continue;
    const key = `${product.x.id}${product.bias ? "+bias" : ""}`;
    const groups = byInput.get(key) ?? [];
    byInput.set(key, groups);
    const open = groups.at(-1);
    if (open && open.length < LARGEST_GROUP) open.push(node);
    else groups.push([node]);
  }
  return [...byInput.values()].flat().filter((group) => group.length > 1);
}

const width = (node: Node): number => node.type.shape.at(-1)!;
