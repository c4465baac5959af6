import {
  bytesOf,
  defOf,
  type Entry,
  isElementwise,
  isFree,
  type Node,
  rootsOf,
  sizeOf,
  type TensorType,
} from "@fusewire/ir";
import type { MemoryRules } from "../engine/engine.ts";
import { type ConstrainedOrder, createOrder } from "./constrained_order.ts";
import { baseOf, type ViewOffset } from "./views.ts";

/**
 * A copy of a state's memory: its old value is saved before the first step, its new value is brought to it after it was
 * made elsewhere, or an op that works in place gets its value to work on, and must not have it itself.
 */
export interface StateCopy {
  readonly state: string;
  readonly what: "old value" | "new value" | "value";
  readonly why: string;
}

/** In which order an entry runs, and how its states get their new values. */
export interface StateUpdates {
  readonly order: readonly Node[];
  /** The state that each of these nodes overwrites. Every other reader of its old value runs earlier. */
  readonly overwrites: ReadonlyMap<Node, string>;
  /** All others are done by copies. */
  readonly copies: readonly StateCopy[];
}

interface Update {
  readonly state: string;
  /** The nodes that overwrite the memory one after another; the last one makes the new value. */
  readonly links: readonly Node[];
  /** The old value, when the entry reads it. */
  readonly old: Node | undefined;
}

/**
 * The one rule for the order of states: each new value takes the place of the old one, after all that read it, or else
 * it costs a copy. Where two updates contradict each other (each new value needs the other state's old one late) the
 * first wins: updates of caches before those of small states, since a cache is what is expensive to copy.
 */
export function planUpdates(entry: Entry, viewOffset: ViewOffset, rules: MemoryRules): StateUpdates {
  const order = createOrder(rootsOf(entry));
  const memory = groupByBase(order.nodes, viewOffset);
  const kept = new Set(rootsOf(entry).map((node) => baseOf(node, viewOffset)));
  const olds = new Map(order.nodes.flatMap((node) => (node.op === "state" ? [[node.attrs.name, node]] : [])));
  const changed = [...entry.writes].filter(
    ([state, written]) => baseOf(written, viewOffset) !== olds.get(state),
  );
  const copies: StateCopy[] = changed.flatMap(([state]) => {
    const old = olds.get(state);
    const name = old && keeperOf(entry, old, viewOffset);
    return name === undefined ? [] : [{ state, what: "old value", why: `'${name}' keeps it` } as const];
  });
  const updates = changed.map(([state, written]) => ({
    state,
    links: linksOf(state, written, viewOffset),
    old: olds.get(state),
  }));
  const overwrites = new Map<Node, string>();
  for (const inPlace of [true, false])
    for (const update of updates) {
      if (worksInPlace(update) !== inPlace) continue;
      const why = update.links.some((link) => overwrites.has(link))
        ? "another state has the same one"
        : obstacle(update, { order, memory, kept, rules });
      if (why !== undefined) copies.push({ state: update.state, what: "new value", why });
      else for (const link of update.links) overwrites.set(link, update.state);
    }
  for (const node of order.nodes) {
    if (!defOf(node).inPlace) continue;
    const base = baseOf(node.inputs[0]!, viewOffset);
    const source = base.op === "state" ? base.attrs.name : overwrites.get(base);
    const own = overwrites.get(node);
    const state = own ?? source;
    if (state !== undefined && own !== source)
      copies.push({ state, what: "value", why: `${node.op} works on a copy` });
  }
  return { order: order.sorted(), overwrites, copies };
}

const worksInPlace = ({ links, old }: Update): boolean =>
  old !== undefined && links[0] !== undefined && defOf(links[0]).inPlace === true;

/** The output or the other state that keeps a state's old value. */
function keeperOf(entry: Entry, old: Node, viewOffset: ViewOffset): string | undefined {
  const keeps = ([, node]: readonly [string, Node]): boolean => baseOf(node, viewOffset) === old;
  return [...entry.outputs, ...entry.writes].find(keeps)?.[0];
}

/** The chain of in-place ops from the state's old value to its new one, or the op that makes a wholly new value; none where nothing does. */
function linksOf(state: string, written: Node, viewOffset: ViewOffset): Node[] {
  const last = wholeBase(written, viewOffset);
  const chain: Node[] = [];
  let node = last;
  while (defOf(node).inPlace) {
    chain.unshift(node);
    node = wholeBase(node.inputs[0]!, viewOffset);
  }
  if (chain.length > 0 && node.op === "state" && node.attrs.name === state) return chain;
  return isFree(last) || viewOffset(last) !== undefined ? [] : [last];
}

/** The node behind views that show all of its memory. */
function wholeBase(node: Node, viewOffset: ViewOffset): Node {
  let base = node;
  while (base.op === "reshape" && viewOffset(base) === 0) base = base.inputs[0]!;
  return base;
}

interface Constraints {
  readonly order: ConstrainedOrder;
  readonly memory: ReadonlyMap<Node, Memory>;
  readonly kept: ReadonlySet<Node>;
  readonly rules: MemoryRules;
}

/** Orders all readers of each value that the update overwrites before it; or says why that cannot be. */
function obstacle({ links, old }: Update, { order, memory, kept, rules }: Constraints): string | undefined {
  if (links.length === 0) return "no step computes it";
  const pairs: [Node, Node][] = [];
  for (const [k, link] of links.entries()) {
    const previous = k === 0 ? old : links[k - 1]!;
    if (!previous) continue;
    // The state's old value is saved before the first step.
    if (k > 0 && kept.has(previous)) return "a value on the way to it is kept";
    const { views, readers } = memory.get(previous)!;
    const aside = defOf(link).inPlace && views.has(link.inputs[0]!) ? link.inputs.slice(1) : link.inputs;
    const read = aside.filter((input) => views.has(input));
    if (read.length > 0 && !(rules.readWriteSameBuffer && overwritesInStep(link, read)))
      return `${link.op} reads what it would overwrite`;
    for (const reader of readers) if (reader !== link) pairs.push([reader, link]);
  }
  return order.tryAdd(pairs) ? undefined : "the old value is read after it is made";
}

/** Whether the node reads element i of each input before it writes element i over it. */
export const overwritesInStep = (node: Node, inputs: readonly { readonly type: TensorType }[]): boolean =>
  isElementwise(node) &&
  inputs.every(
    ({ type }) => sizeOf(type.shape) === sizeOf(node.type.shape) && bytesOf(type) === bytesOf(node.type),
  );

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
