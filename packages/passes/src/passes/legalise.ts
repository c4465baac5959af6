import { defOf, FusewireError, isFree, type Layout, type Module, type Node } from "@fusewire/ir";
import type { EngineTraits } from "../engine/engine.ts";
import { fixpoint, mapEntries, type Pass } from "../rewrite/pass.ts";

/** Expands what the engine has no kernel for, until every op is one it claims. Leaves and views need no kernel. */
export const legalise = (engine: EngineTraits): Pass =>
  fixpoint({
    name: "legalise",
    run: (module) =>
      mapEntries(module, () => (node, original) => {
        if (isFree(node) || engine.claims(node.op, layoutOf(node))) return node;
        const { expand } = defOf(node);
        if (expand) return expand(node.inputs, node.attrs);
        throw new FusewireError(
          `engine ${engine.name} has no kernel for ${node.op}${whereIs(module, original)}, and the op has no expansion`,
        );
      }),
  });

const layoutOf = ({ attrs }: Node): Layout | undefined => ("layout" in attrs ? attrs.layout : undefined);

const whereIs = (module: Module, node: Node): string => {
  const name = module.layers.get(node);
  return name === undefined ? "" : ` in ${name}`;
};
