import { FusewireError } from "./errors.ts";
import type { Entry, Module } from "./module.ts";
import type { Node } from "./node.ts";
import { defOf } from "./ops/table.ts";

/** Whether the node overwrites the memory of `old`, its first input. */
export const overwrites = (node: Node, old: Node): boolean =>
  defOf(node).inPlace === true && node.inputs[0] === old;

/**
 * The extra edges of in-place updates: everything that reads a state's old value must run before the op that
 * overwrites it. `nodes` are the entry's, inputs before users. Throws when no order can satisfy all of it.
 */
export function orderStates(module: Module, entry: Entry, nodes: readonly Node[]): Map<Node, Node[]> {
  const edges = new Map<Node, Node[]>();
  const overwritten = new Map<Node, string>();
  for (const [name, written] of entry.writes) {
    const old = nodes.find((node) => node.op === "state" && node.attrs.name === name);
    if (!old || !overwrites(written, old)) continue;
    overwritten.set(written, name);
    const memory = sharedMemory(old, nodes);
    const kept = [...entry.outputs, ...entry.writes].find(([, node]) => memory.has(node));
    if (kept)
      fail(module, entry, old, `state '${name}' is overwritten, but '${kept[0]}' keeps its old value`);
    if (written.inputs.slice(1).some((input) => memory.has(input)))
      fail(module, entry, written, `reads state '${name}' while it overwrites it`);
    const reads = (node: Node) => node !== written && node.inputs.some((input) => memory.has(input));
    const readers = nodes.filter(reads);
    if (readers.length > 0) edges.set(written, readers);
  }
  const cycle = findCycle(nodes, edges);
  for (const [written, readers] of edges) {
    const reader = cycle.has(written) && readers.find((node) => cycle.has(node));
    if (reader)
      fail(module, entry, reader, `reads state '${overwritten.get(written)}' after it was overwritten`);
  }
  return edges;
}

/** The state's old value and what an engine may keep as a part of the same memory. */
function sharedMemory(old: Node, nodes: readonly Node[]): Set<Node> {
  const shared = new Set([old]);
  for (const node of nodes)
    if ((defOf(node).view || node.op === "slice") && shared.has(node.inputs[0]!)) shared.add(node);
  return shared;
}

/** The nodes of one cycle of inputs and edges; empty when there is none. */
function findCycle(nodes: readonly Node[], edges: ReadonlyMap<Node, readonly Node[]>): Set<Node> {
  const done = new Set<Node>();
  const path = new Set<Node>();
  const stack = [...nodes];
  for (let node = stack.at(-1); node; node = stack.at(-1)) {
    const waiting = [...node.inputs, ...(edges.get(node) ?? [])].filter((other) => !done.has(other));
    if (waiting.length === 0 || done.has(node)) {
      stack.pop();
      path.delete(node);
      done.add(node);
      continue;
    }
    path.add(node);
    const again = waiting.find((other) => path.has(other));
    if (again) return new Set([...path].slice([...path].indexOf(again)));
    stack.push(...waiting);
  }
  return path;
}

function fail(module: Module, entry: Entry, node: Node, problem: string): never {
  const layer = module.layers.get(node);
  throw new FusewireError(`entry '${entry.name}': ${node.op}${layer ? ` in ${layer}` : ""}: ${problem}`);
}
