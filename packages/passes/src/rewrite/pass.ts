import {
  type Entry,
  type Module,
  type Node,
  rewriteNodes,
  rootsOf,
  rootsOfModule,
  topological,
  verify,
  withLayers,
} from "@fusewire/ir";

/** A rewrite of a whole module: pure and deterministic, so a pass can be tested as text in, text out. */
export interface Pass {
  readonly name: string;
  readonly run: (module: Module) => Module;
}

/** Runs passes one after another. */
export const sequence = (name: string, passes: readonly Pass[]): Pass => ({
  name,
  run: (module) => passes.reduce((current, pass) => pass.run(current), module),
});

/** Repeats a pass until it changes nothing; interning makes "nothing changed" a comparison of nodes. */
export const fixpoint = (pass: Pass, limit = 32): Pass => ({
  name: pass.name,
  run: (module) => {
    let current = module;
    for (let round = 0; round < limit; round++) {
      const next = pass.run(current);
      if (sameModule(current, next)) return current;
      current = next;
    }
    throw new Error(`pass ${pass.name} does not settle within ${limit} rounds`);
  },
});

/** Calls `observe` with the module after the pass: how `inspect` and tests stop after any pass. */
export const traced = (pass: Pass, observe: (pass: string, module: Module) => void): Pass => ({
  name: pass.name,
  run: (module) => {
    const result = pass.run(module);
    observe(pass.name, result);
    return result;
  },
});

/** Checks the module after the pass; for tests and debugging. */
export const verified = (pass: Pass, legal?: (node: Node) => boolean): Pass =>
  traced(pass, (_name, module) => verify(module, legal));

export const sameModule = (a: Module, b: Module): boolean =>
  sameNodes(a.prepare, b.prepare) &&
  a.entries.length === b.entries.length &&
  a.entries.every((entry, k) => {
    const other = b.entries[k]!;
    return sameNodes(entry.outputs, other.outputs) && sameNodes(entry.writes, other.writes);
  });

const sameNodes = (a: ReadonlyMap<string, Node>, b: ReadonlyMap<string, Node>): boolean =>
  a.size === b.size && [...a].every(([name, node]) => b.get(name) === node);

/** The entry with every node it keeps alive replaced by what `changed` holds for it. */
function replaceRoots(entry: Entry, changed: ReadonlyMap<Node, Node>): Entry {
  const replace = (nodes: ReadonlyMap<string, Node>) =>
    new Map([...nodes].map(([name, node]) => [name, changed.get(node) ?? node]));
  return { ...entry, outputs: replace(entry.outputs), writes: replace(entry.writes) };
}

/** What to put in the place of a node whose inputs are already rewritten; `original` is the node as it was. */
export type Change = (node: Node, original: Node) => Node;

/**
 * Rewrites the nodes of every entry, bottom-up; `changeFor` looks at the entry as a whole first. What was in the module
 * keeps its layer or has none as before; what is new gets that of the node it was made for.
 */
export function mapEntries(module: Module, changeFor: (entry: Entry) => Change): Module {
  const { layers } = module;
  const known = topological(rootsOfModule(module)).map((node) => [node, layers.get(node)] as const);
  const noted = new Map(known);
  const entries = module.table.noteLayers(noted, () =>
    module.entries.map((entry) =>
      replaceRoots(entry, rewriteNodes(rootsOf(entry), changeFor(entry), layers)),
    ),
  );
  return withLayers({ ...module, entries }, noted);
}
