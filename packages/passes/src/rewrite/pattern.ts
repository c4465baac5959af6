import { defOf, type Node, type OpName, uniformValue } from "@fusewire/ir";

/** What a pattern's names stand for in one match. */
export type Bindings = Readonly<Record<string, Node>>;

/** A shape of graph to look for, as data. */
export type Pattern =
  | { readonly kind: "any"; readonly name: string; readonly when: ((node: Node) => boolean) | undefined }
  | { readonly kind: "number"; readonly name: string | undefined; readonly value: number | undefined }
  | { readonly kind: "either"; readonly patterns: readonly Pattern[] }
  | {
      readonly kind: "op";
      readonly op: OpName;
      readonly inputs: readonly Pattern[];
      readonly name: string | undefined;
      readonly when: ((node: Node) => boolean) | undefined;
    };

/** Any node; the same name twice must be the same node. */
export const any = (name: string, when?: (node: Node) => boolean): Pattern => ({ kind: "any", name, when });

/** A constant filled with one value: this one, or whatever it is under `name`. */
export const number = (valueOrName: number | string): Pattern =>
  typeof valueOrName === "number"
    ? { kind: "number", name: undefined, value: valueOrName }
    : { kind: "number", name: valueOrName, value: undefined };

/** Whatever one of the patterns fits, tried in their order; names that only others of them have stay unbound. */
export const either = (...patterns: readonly Pattern[]): Pattern => ({ kind: "either", patterns });

/** A node of one op; inputs of commutative ops match in either order. */
export const op = (
  name: OpName,
  inputs: readonly Pattern[],
  { as, when }: { readonly as?: string; readonly when?: (node: Node) => boolean } = {},
): Pattern => ({ kind: "op", op: name, inputs, name: as, when });

/** All ways the pattern fits the node, given what is already bound. */
export function* match(pattern: Pattern, node: Node, bound: Bindings = {}): Generator<Bindings> {
  switch (pattern.kind) {
    case "any":
      if (!pattern.when || pattern.when(node)) yield* bind(pattern.name, node, bound);
      return;
    case "number": {
      const value = uniformValue(node);
      if (value === undefined || (pattern.value !== undefined && value !== pattern.value)) return;
      yield* bind(pattern.name, node, bound);
      return;
    }
    case "either":
      for (const one of pattern.patterns) yield* match(one, node, bound);
      return;
    case "op": {
      if (node.op !== pattern.op || node.inputs.length !== pattern.inputs.length) return;
      if (pattern.when && !pattern.when(node)) return;
      for (const self of bind(pattern.name, node, bound)) {
        yield* matchAll(pattern.inputs, node.inputs, self);
        if (defOf(node).commutative && node.inputs[0] !== node.inputs[1])
          yield* matchAll(pattern.inputs, [node.inputs[1]!, node.inputs[0]!], self);
      }
    }
  }
}

function* matchAll(
  patterns: readonly Pattern[],
  nodes: readonly Node[],
  bound: Bindings,
): Generator<Bindings> {
  const [first, ...rest] = patterns;
  if (!first) {
    yield bound;
    return;
  }
  for (const next of match(first, nodes[0]!, bound)) yield* matchAll(rest, nodes.slice(1), next);
}

function* bind(name: string | undefined, node: Node, bound: Bindings): Generator<Bindings> {
  if (name === undefined) yield bound;
  else if (bound[name] === undefined) yield { ...bound, [name]: node };
  else if (bound[name] === node) yield bound;
}
