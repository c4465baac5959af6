import { type Node, type NodeOf, prepared, rootsOf, topological, withLayers } from "@fusewire/ir";
import { fingerprint } from "../rewrite/fingerprint.ts";
import { mapEntries, type Pass } from "../rewrite/pass.ts";
import { closedNodes } from "../rewrite/users.ts";

/**
 * What depends on weights and constants alone is computed once, while loading: each largest such expression becomes
 * a `prepared` leaf, and the weights that only it read are never sent to the device. Bare weights, constants and
 * views of them stay. The name of a prepared value follows from its expression alone, for engines keep values by name
 * for all programs of a model, whichever was compiled first.
 */
export const hoistPrepare: Pass = {
  name: "hoist_prepare",
  run: (module) => {
    const prepare = new Map<string, Node>();
    const hoisted = mapEntries(module, (entry) => {
      const closed = closedNodes(entry);
      const isRoot = new Set<Node>(rootsOf(entry).filter((node) => closed.has(node)));
      for (const node of topological(rootsOf(entry)))
        if (!closed.has(node)) for (const input of node.inputs) if (closed.has(input)) isRoot.add(input);
      return (node, original) => {
        if (!isRoot.has(original) || isStored(node)) return node;
        const name = nameOf(original);
        const known = prepare.get(name) ?? module.prepare.get(name) ?? original;
        if (known !== original) throw new Error(`two prepared values are called '${name}'`);
        prepare.set(name, original);
        return prepared(module.table, name, original.type);
      };
    });
    const both = { ...hoisted, prepare: new Map([...module.prepare, ...prepare]) };
    return withLayers(both, new Map([...module.layers, ...hoisted.layers]));
  },
};

/** A weight or constant as it is, or under another shape: already in memory. */
const isStored = (node: Node): boolean =>
  node.op === "param" || node.op === "constant" || (node.op === "reshape" && isStored(node.inputs[0]!));

/**
 * A readable name that no weight has: the op and the weights it comes from, with what they share written once, and a
 * hash that tells expressions of the same weights apart.
 */
function nameOf(node: Node): string {
  const names = topological([node])
    .filter((leaf): leaf is NodeOf<"param"> & Node => leaf.op === "param")
    .map((leaf) => leaf.attrs.name);
  const weights = names.length > 0 ? `(${joinNames(names)})` : "";
  return `${node.op}${weights}#${fingerprint(node)}`;
}

/** `a.q.weight`, `a.k.weight` -> `a.{q,k}.weight`. */
function joinNames(names: readonly string[]): string {
  const parts = names.map((name) => name.split("."));
  const [first] = parts as [string[]];
  const shortest = Math.min(...parts.map((part) => part.length));
  let head = 0;
  while (head < shortest && parts.every((part) => part[head] === first[head])) head++;
  let tail = 0;
  while (tail < shortest - head && parts.every((part) => part.at(-1 - tail) === first.at(-1 - tail))) tail++;
  const middles = parts.map((part) => part.slice(head, part.length - tail).join("."));
  const middle = names.length > 1 ? [`{${middles.join(",")}}`] : [];
  return [...first.slice(0, head), ...middle, ...first.slice(first.length - tail)].join(".");
}
