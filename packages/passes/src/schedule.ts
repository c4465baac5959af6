import { type Node, orderStates, rootsOf, topological } from "@fusewire/ir";
import type { Lowered } from "./lowered.ts";

/**
 * The order in which an engine runs an entry's nodes: inputs first, and whatever reads a state's old value before
 * the op that overwrites it.
 */
export function schedule({ entry, module }: Lowered): Node[] {
  const nodes = topological(rootsOf(entry));
  const after = orderStates(module, entry, nodes);
  if (after.size === 0) return nodes;
  const order: Node[] = [];
  const placed = new Set<Node>();
  const stack = [...rootsOf(entry)].reverse();
  while (stack.length > 0) {
    const node = stack[stack.length - 1]!;
    const waiting = [...node.inputs, ...(after.get(node) ?? [])].filter((other) => !placed.has(other));
    if (placed.has(node) || waiting.length === 0) {
      stack.pop();
      if (!placed.has(node)) order.push(node);
      placed.add(node);
    } else stack.push(...waiting.reverse());
  }
  return order;
}
