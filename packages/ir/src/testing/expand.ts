import type { Module } from "../module.ts";
import type { Node } from "../node.ts";
import { defOf } from "../ops/table.ts";
import { rewriteNodes } from "../rebuild.ts";

/** The node with every composite under it written in core ops. */
export const expandNode = (root: Node): Node =>
  rewriteNodes([root], (node) => {
    const { expand } = defOf(node);
    return expand ? expandNode(expand(node.inputs, node.attrs)) : node;
  }).get(root)!;

/** The module in core ops alone. */
export function expandModule(module: Module): Module {
  const expand = (nodes: ReadonlyMap<string, Node>) =>
    new Map([...nodes].map(([name, node]) => [name, expandNode(node)] as const));
  const entries = module.entries.map((entry) => ({
    ...entry,
    outputs: expand(entry.outputs),
    writes: expand(entry.writes),
  }));
  return { ...module, entries };
}
