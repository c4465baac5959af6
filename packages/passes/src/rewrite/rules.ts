import type { Node } from "@fusewire/ir";
import { mapEntries, type Pass } from "./pass.ts";
import { type Bindings, match, type Pattern } from "./pattern.ts";

/** `pattern` becomes what `replace` builds; undefined, or the node itself, means "not here after all". */
export interface Rule {
  readonly name: string;
  readonly pattern: Pattern & { readonly kind: "op" };
  readonly replace: (bound: Bindings & Record<string, Node>, root: Node) => Node | undefined;
}

export const rule = (name: string, pattern: Pattern, replace: Rule["replace"]): Rule => {
  if (pattern.kind !== "op") throw new Error(`rule ${name}: the root of a pattern must be an op`);
  return { name, pattern, replace };
};

/** More rewrites of one node than this mean that rules undo each other. */
const MOST_STEPS = 64;

/** A pass that applies a table of rules bottom-up, at each node until none fits. */
export function rewritePass(name: string, rules: readonly Rule[]): Pass {
  const byRoot = new Map<string, Rule[]>();
  for (const entry of rules) byRoot.set(entry.pattern.op, [...(byRoot.get(entry.pattern.op) ?? []), entry]);
  return {
    name,
    run: (module) =>
      mapEntries(module, () => (node) => {
        const applied: string[] = [];
        for (let current = node; ; ) {
          const next = applyOne(byRoot.get(current.op) ?? [], current);
          if (!next) return current;
          applied.push(next.rule);
          if (applied.length > MOST_STEPS)
            throw new Error(
              `the rules of ${name} do not settle at a node of op ${node.op}; the last were ${applied.slice(-4).join(", ")}`,
            );
          current = next.node;
        }
      }),
  };
}

function applyOne(
  rules: readonly Rule[],
  node: Node,
): { readonly rule: string; readonly node: Node } | undefined {
  for (const { name, pattern, replace } of rules)
    for (const bound of match(pattern, node)) {
      const result = replace(bound, node);
      if (result && result !== node) return { rule: name, node: result };
    }
  return undefined;
}
