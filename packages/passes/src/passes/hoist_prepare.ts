import { type Module, type Node, type NodeOf, prepared, topological } from "@fusewire/ir";
import { mapEntries, type Pass } from "../pass.ts";
import { closedNodes } from "../users.ts";

/**
 * What depends on weights and constants alone is computed once, while loading: each largest such expression becomes
 * a `prepared` leaf, and the weights that only it read are never sent to the device. Bare weights, constants and
 * views of them stay.
 */
export const hoistPrepare: Pass = {
  name: "hoist_prepare",
  run: (module) => {
    const prepare = new Map<string, Node>();
    const hoisted = mapEntries(module, (entry) => {
      const closed = closedNodes(entry);
      const isRoot = new Set<Node>(
        [...entry.outputs.values(), ...entry.writes.values()].filter((n) => closed.has(n)),
      );
      for (const node of topological([...entry.outputs.values(), ...entry.writes.values()]))
        if (!closed.has(node)) for (const input of node.inputs) if (closed.has(input)) isRoot.add(input);
      return (node, original) => {
        if (!isRoot.has(original) || isStored(node)) return node;
        const name = module.table.namePrepared(original, describe(original));
        prepare.set(name, original);
        return prepared(module.table, name, original.type);
      };
    });
    return { ...hoisted, prepare: new Map([...module.prepare, ...prepare]) } satisfies Module;
  },
};

/** A weight or constant as it is, or under another shape: already in memory. */
const isStored = (node: Node): boolean =>
  node.op === "param" || node.op === "constant" || (node.op === "reshape" && isStored(node.inputs[0]!));

/** A readable name: the weights it comes from, with what they share written once, or the op when there are none. */
function describe(node: Node): string {
  const names = topological([node])
    .filter((leaf): leaf is NodeOf<"param"> & Node => leaf.op === "param")
    .map((leaf) => leaf.attrs.name);
  const [first, ...rest] = names;
  if (first === undefined) return `${node.table.layerOf(node) ?? "constant"}.${node.op}`;
  if (rest.length === 0) return first;
  const parts = names.map((name) => name.split("."));
  const same = (k: number, fromEnd: boolean) =>
    parts.every((part) => part.at(fromEnd ? -1 - k : k) === parts[0]!.at(fromEnd ? -1 - k : k));
  const shortest = Math.min(...parts.map((part) => part.length));
  let head = 0;
  while (head < shortest && same(head, false)) head++;
  let tail = 0;
  while (tail < shortest - head && same(tail, true)) tail++;
  const middles = parts.map((part) => part.slice(head, part.length - tail).join("."));
  return [
    ...parts[0]!.slice(0, head),
    `{${middles.join(",")}}`,
    ...(tail ? parts[0]!.slice(-tail) : []),
  ].join(".");
}
