import { type Node, topological } from "@fusewire/ir";

/** An order of nodes that grows constraints beyond "inputs first", each only where some order still satisfies all. */
export interface ConstrainedOrder {
  /** Every node, inputs before users, regardless of the constraints. */
  readonly nodes: readonly Node[];
  /** Adds pairs that must run in this order, or none of them and false when they contradict what is there. */
  tryAdd(pairs: readonly (readonly [first: Node, then: Node])[]): boolean;
  /** The nodes in an order that satisfies everything. */
  sorted(): Node[];
}

export function createOrder(roots: readonly Node[]): ConstrainedOrder {
  const nodes = topological(roots);
  const after = new Map<Node, Set<Node>>();
  const before = (node: Node): Node[] => [...node.inputs, ...(after.get(node) ?? [])];

  /** Whether any of `starts` must wait for any of `targets`. */
  function waitsFor(starts: readonly Node[], targets: ReadonlySet<Node>): boolean {
    const seen = new Set<Node>(starts);
    const stack = [...starts];
    for (let node = stack.pop(); node; node = stack.pop()) {
      if (targets.has(node)) return true;
      for (const other of before(node)) {
        if (seen.has(other)) continue;
        seen.add(other);
        stack.push(other);
      }
    }
    return false;
  }

  return {
    nodes,
    tryAdd(pairs) {
      // Several pairs may close a cycle together, so each is checked against those added before it.
      const added: (readonly [Node, Node])[] = [];
      for (const [first, then] of pairs) {
        const known = after.get(then) ?? new Set();
        if (known.has(first)) continue;
        if (waitsFor([first], new Set([then]))) {
          for (const [f, t] of added) after.get(t)!.delete(f);
          return false;
        }
        after.set(then, known.add(first));
        added.push([first, then]);
      }
      return true;
    },
    sorted() {
      const order: Node[] = [];
      const placed = new Set<Node>();
      const stack = [...roots].reverse();
      for (let node = stack.at(-1); node; node = stack.at(-1)) {
        const waiting = before(node).filter((other) => !placed.has(other));
        if (placed.has(node) || waiting.length === 0) {
          stack.pop();
          if (!placed.has(node)) order.push(node);
          placed.add(node);
        } else stack.push(...waiting.reverse());
      }
      return order;
    },
  };
}
