import type { Node } from "@fusewire/ir";
import { mapEntries, type Pass } from "./pass.ts";
import { type Bindings, match, type Pattern } from "./pattern.ts";

/** `pattern` becomes what `replace` builds; undefined means "not here after all". */
export interface Rule {
  readonly name: string;
  readonly pattern: Pattern & { readonly kind: "op" };
  readonly replace: (bound: Bindings & Record<string, Node>, root: Node) => Node | undefined;
}

export const rule = (name: string, pattern: Pattern, replace: Rule["replace"]): Rule => {
  if (pattern.kind !== "op") throw new Error(`rule ${name}: the root of a pattern must be an op`);
  return { name, pattern, replace };
};

/** A pass that applies a table of rules bottom-up, at each node until none fits. */
export function rewritePass(name: string, rules: readonly Rule[]): Pass {
  const byRoot = new Map<string, Rule[]>();
  for (const entry of rules) byRoot.set(entry.pattern.op, [...(byRoot.get(entry.pattern.op) ?? []), entry]);
  return {
    name,
    run: (module) =>
      mapEntries(module, () => (node) => {
        let current = node;
        // A rule must bring the graph nearer to a form no rule fits; two that undo each other would never end.
        for (let steps = 0; steps < 64; steps++) {
          const next = applyOne(byRoot.get(current.op) ?? [], current);
          if (!next || next === current) return current;
          current = next;
        }
        throw new Error(`the rules of ${name} do not settle at a node of op ${node.op}`);
      }),
  };
}

function applyOne(rules: readonly Rule[], node: Node): Node | undefined {
  for (const { pattern, replace } of rules)
    for (const bound of match(pattern, node)) {
      const result = replace(bound, node);
      if (result) return result;
    }
  return undefined;
}
