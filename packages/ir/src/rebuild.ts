import { topological } from "./module.ts";
import type { Node } from "./node.ts";
import { emit, type OpDef } from "./op.ts";
import { OPS } from "./ops/table.ts";

/** The same op on other inputs. */
export const withInputs = (node: Node, inputs: readonly Node[]): Node =>
  inputs.every((input, k) => input === node.inputs[k])
    ? node
    : emit(OPS[node.op] as unknown as OpDef<"concat">, inputs, node.attrs as { axis: number }, node.table);

/**
 * Rebuilds a graph bottom-up: `change` sees each node with its inputs already changed, and the
 * node as it was, whose users in the old graph are known; it may return another
 * one in its place. What it builds is built in the layer of the node it replaces. Returns what became of each reachable
 * node.
 */
export function rewriteNodes(
  roots: Iterable<Node>,
  change: (node: Node, original: Node) => Node,
  layers: ReadonlyMap<Node, string> = new Map(),
): Map<Node, Node> {
  const changed = new Map<Node, Node>();
  for (const node of topological(roots)) {
    const layer = layers.get(node);
    const run = () =>
      change(
        withInputs(
          node,
          node.inputs.map((input) => changed.get(input)!),
        ),
        node,
      );
    const result = layer === undefined ? run() : node.table.scope(layer, run);
    changed.set(node, result);
  }
  return changed;
}
