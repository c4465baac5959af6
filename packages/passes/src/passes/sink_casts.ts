import { cast, concat, gather, isNode, type Node } from "@fusewire/ir";
import { narrowOf } from "../rewrite/narrow.ts";
import { mapEntries, type Pass } from "../rewrite/pass.ts";
import { closedNodes } from "../rewrite/users.ts";

/**
 * concat(cast(a), cast(b)) => cast(concat(a, b)) and gather(cast(W), i) => cast(gather(W, i)), for weights stored in
 * fewer bits: what is kept on the device is then the narrow weight, and only what is read is widened.
 */
export const sinkCasts: Pass = {
  name: "sink_casts",
  run: (module) =>
    mapEntries(module, (entry) => {
      const closed = closedNodes(entry);
      return (node, original) =>
        original.inputs.some((input) => closed.has(input)) ? (sink(node) ?? node) : node;
    }),
};

function sink(node: Node): Node | undefined {
  if (isNode(node, "concat")) {
    const narrow = node.inputs.map(narrowOf);
    const [first] = narrow;
    const alike = narrow.every((input) => input && input.type.dtype === first?.type.dtype);
    return alike ? cast(concat(narrow as Node[], node.attrs.axis), "f32") : undefined;
  }
  if (!isNode(node, "gather")) return undefined;
  const table = narrowOf(node.inputs[0]!);
  return table && cast(gather(table, node.inputs[1]!, node.attrs.batch), "f32");
}
