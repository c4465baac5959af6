import { defOf, type Entry, type Node, rootsOf } from "@fusewire/ir";
import { type ConstrainedOrder, createOrder } from "./constrained_order.ts";
import { baseOf, type ViewOffset } from "./views.ts";

/** In which order an entry runs, and which nodes may put their result straight into a state's memory. */
export interface StateUpdates {
  readonly order: readonly Node[];
  /** The state that each of these nodes overwrites. Every other reader of its old value runs earlier. */
  readonly overwrites: ReadonlyMap<Node, string>;
}

interface Update {
  readonly state: string;
  /** The nodes that overwrite the memory one after another; the last one makes the new value. */
  readonly links: readonly Node[];
  /** The old value, when the entry reads it. */
  readonly old: Node | undefined;
}

/**
 * Chooses the state updates that need no copy at the end of the step. Where two of them contradict each other (each
 * new value needs the other state's old one late) the first wins: updates of caches before those of small states,
 * since a cache is what is expensive to copy.
 */
export function planUpdates(entry: Entry, viewOffset: ViewOffset): StateUpdates {
  const order = createOrder(rootsOf(entry));
  const memory = groupByBase(order.nodes, viewOffset);
  const kept = new Set(rootsOf(entry).map((node) => baseOf(node, viewOffset)));
  const olds = new Map(order.nodes.flatMap((node) => (node.op === "state" ? [[node.attrs.name, node]] : [])));
  const updates = [...entry.writes].flatMap(([state, written]) => {
    const links = linksOf(state, written, viewOffset);
    return links ? [{ state, links, old: olds.get(state) }] : [];
  });
  const overwrites = new Map<Node, string>();
  for (const inPlace of [true, false])
    for (const update of updates)
      if (worksInPlace(update) === inPlace && update.links.every((link) => !overwrites.has(link)))
        if (admit(update, order, memory, kept))
          for (const link of update.links) overwrites.set(link, update.state);
  return { order: order.sorted(), overwrites };
}

const worksInPlace = ({ links, old }: Update): boolean =>
  old !== undefined && defOf(links[0]!).inPlace === true;

/** The chain of in-place ops from the state's old value to its new one, or the op that makes a wholly new value. */
function linksOf(state: string, written: Node, viewOffset: ViewOffset): Node[] | undefined {
  const last = wholeBase(written, viewOffset);
  const chain: Node[] = [];
  let node = last;
  while (defOf(node).inPlace) {
    chain.unshift(node);
    node = wholeBase(node.inputs[0]!, viewOffset);
  }
  if (chain.length > 0 && node.op === "state" && node.attrs.name === state) return chain;
  const computed = !defOf(last).leaf && last.op !== "constant" && viewOffset(last) === undefined;
  return computed ? [last] : undefined;
}

/** The node behind views that show all of its memory. */
function wholeBase(node: Node, viewOffset: ViewOffset): Node {
  let base = node;
  while (base.op === "reshape" && viewOffset(base) === 0) base = base.inputs[0]!;
  return base;
}

/** Orders all readers of each value that the update overwrites before it; false where that cannot be. */
function admit(
  { links, old }: Update,
  order: ConstrainedOrder,
  memory: ReadonlyMap<Node, Memory>,
  kept: ReadonlySet<Node>,
): boolean {
  const pairs: [Node, Node][] = [];
  for (const [k, link] of links.entries()) {
    const previous = k === 0 ? old : links[k - 1]!;
    if (!previous) continue;
    // A value in the middle of the chain is gone at the end; the state's old value is saved before the first step.
    if (k > 0 && kept.has(previous)) return false;
    const { views, readers } = memory.get(previous)!;
    const aside = defOf(link).inPlace && views.has(link.inputs[0]!) ? link.inputs.slice(1) : link.inputs;
    // No kernel may read what it overwrites, but for the input that it updates in place.
    if (aside.some((input) => views.has(input))) return false;
    for (const reader of readers) if (reader !== link) pairs.push([reader, link]);
  }
  return order.tryAdd(pairs);
}

interface Memory {
  /** All nodes that show this memory. */
  readonly views: Set<Node>;
  /** What reads any of them. */
  readonly readers: Set<Node>;
}

function groupByBase(nodes: readonly Node[], viewOffset: ViewOffset): Map<Node, Memory> {
  const memory = new Map<Node, Memory>();
  const baseFor = new Map<Node, Node>();
  for (const node of nodes) {
    const isView = viewOffset(node) !== undefined;
    const base = isView ? baseFor.get(node.inputs[0]!)! : node;
    baseFor.set(node, base);
    if (!isView) memory.set(node, { views: new Set(), readers: new Set() });
    memory.get(base)!.views.add(node);
    if (!isView) for (const input of node.inputs) memory.get(baseFor.get(input)!)!.readers.add(node);
  }
  return memory;
}
