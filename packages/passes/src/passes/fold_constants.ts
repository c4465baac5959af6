import { constantFromValue, defOf, evaluate, sizeOf } from "@fusewire/ir";
import { mapEntries, type Pass } from "../rewrite/pass.ts";

/** Larger results stay expressions (hoist_prepare computes them while loading), or the text form would drown in numbers. */
const LARGEST = 64;

/** An op of constants becomes the constant it evaluates to. */
export const foldConstants: Pass = {
  name: "fold_constants",
  run: (module) =>
    mapEntries(module, () => (node) => {
      const known = node.inputs.length > 0 && node.inputs.every((input) => input.op === "constant");
      if (!known || !defOf(node).evaluate || sizeOf(node.type.shape) > LARGEST) return node;
      return constantFromValue(node.table, evaluate([node], {}).get(node)!);
    }),
};
