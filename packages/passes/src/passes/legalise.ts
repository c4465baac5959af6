import { defOf, FusewireError, type Node } from "@fusewire/ir";
import { type EngineTraits, isFree } from "../engine.ts";
import { fixpoint, mapEntries, type Pass } from "../pass.ts";

/** Expands what the engine has no kernel for, until every op is one it claims. Leaves and views need no kernel. */
export const legalise = (engine: EngineTraits): Pass =>
  fixpoint({
    name: "legalise",
    run: (module) =>
      mapEntries(module, () => (node) => {
        if (isFree(node) || engine.claims(node.op)) return node;
        const { expand } = defOf(node);
        if (expand) return expand(node.inputs, node.attrs);
        throw new FusewireError(
          `engine ${engine.name} has no kernel for ${node.op}${layer(node)}, and the op has no expansion`,
        );
      }),
  });

const layer = (node: Node): string => {
  const name = node.table.layerOf(node);
  return name === undefined ? "" : ` in ${name}`;
};
