import { type Entry, type Node, rootsOf, topological } from "@fusewire/ir";

/** How often each node of an entry is read: by other nodes, as an output, or as a state's new value. */
export function countUses(entry: Entry): Map<Node, number> {
  const uses = new Map<Node, number>();
  const read = (node: Node) => uses.set(node, (uses.get(node) ?? 0) + 1);
  for (const root of rootsOf(entry)) read(root);
  for (const node of topological(rootsOf(entry))) node.inputs.forEach(read);
  return uses;
}

/** The nodes of an entry that depend on weights and constants alone, so that they need computing only once. */
export function closedNodes(entry: Entry): Set<Node> {
  const closed = new Set<Node>();
  for (const node of topological(rootsOf(entry))) {
    const open = node.op === "state" || node.op === "input" || node.op === "prepared";
    if (!open && node.inputs.every((input) => closed.has(input))) closed.add(node);
  }
  return closed;
}
