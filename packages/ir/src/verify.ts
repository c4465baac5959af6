import { FusewireError } from "./errors.ts";
import { type Entry, type Module, rootsOf, topological } from "./module.ts";
import type { Node } from "./node.ts";
import { defOf } from "./ops/table.ts";
import { formatType, sameType } from "./type.ts";

/**
 * Checks what every pass must preserve: types follow from the op table, leaves are declared, states keep their
 * type, and a step can be ordered so that each state is read before it is overwritten. `legal` adds what a level
 * allows. Throws an error that names entry, node and layer.
 */
export function verify(module: Module, legal: (node: Node) => boolean = () => true): void {
  for (const [name, node] of module.prepare) {
    for (const inner of topological([node])) {
      checkType(module, `prepare '${name}'`, inner);
      if (inner.op === "state" || inner.op === "input" || inner.op === "prepared")
        fail(module, `prepare '${name}'`, inner, "prepared values may depend on weights alone");
    }
  }
  for (const entry of module.entries) verifyEntry(module, entry, legal);
}

function verifyEntry(module: Module, entry: Entry, legal: (node: Node) => boolean): void {
  const where = `entry '${entry.name}'`;
  const states = new Map(module.states.map(({ name, type }) => [name, type]));
  const inputs = new Map(entry.inputs.map(({ name, type }) => [name, type]));
  const nodes = topological(rootsOf(entry));
  for (const node of nodes) {
    checkType(module, where, node);
    if (!legal(node)) fail(module, where, node, "this level does not allow the op");
    if (node.op === "state" || node.op === "input") {
      const declared = (node.op === "state" ? states : inputs).get(node.attrs.name);
      if (!declared || !sameType(declared, node.type))
        fail(module, where, node, `${node.op} '${node.attrs.name}' is not declared with this type`);
    }
    if (node.op === "prepared") {
      const source = module.prepare.get(node.attrs.name);
      if (!source || !sameType(source.type, node.type))
        fail(module, where, node, `'${node.attrs.name}' is not prepared with this type`);
    }
  }
  for (const [name, node] of entry.writes) {
    const type = states.get(name);
    if (!type || !sameType(type, node.type))
      fail(
        module,
        where,
        node,
        `is written to state '${name}', which is ${type ? formatType(type) : "not declared"}`,
      );
  }
  orderStates(module, entry, nodes);
}

/**
 * The extra edges of in-place updates: everything that reads a state's old value must run before the op that
 * overwrites it. Throws when a reader needs the new value first, which no order can satisfy.
 */
export function orderStates(module: Module, entry: Entry, nodes: readonly Node[]): Map<Node, Node[]> {
  const edges = new Map<Node, Node[]>();
  for (const [name, written] of entry.writes) {
    const old = nodes.find((node) => node.op === "state" && node.attrs.name === name);
    if (!old || !overwrites(written, old)) continue;
    for (const reader of nodes) {
      if (reader === written || !reader.inputs.includes(old)) continue;
      if (dependsOn(reader, written))
        fail(module, `entry '${entry.name}'`, reader, `reads state '${name}' after it was overwritten`);
      edges.set(written, [...(edges.get(written) ?? []), reader]);
    }
  }
  return edges;
}

/** Whether the node overwrites the memory of `old`, its first input. */
export const overwrites = (node: Node, old: Node): boolean =>
  defOf(node).inPlace === true && node.inputs[0] === old;

const dependsOn = (node: Node, on: Node): boolean => topological([node]).includes(on);

function checkType(module: Module, where: string, node: Node): void {
  const inferred = defOf(node).infer(
    node.inputs.map((input) => input.type),
    node.attrs,
  );
  if (!sameType(inferred, node.type))
    fail(module, where, node, `has the type ${formatType(inferred)} by its rule`);
}

function fail(module: Module, where: string, node: Node, problem: string): never {
  const layer = module.table.layerOf(node);
  throw new FusewireError(
    `${where}: ${node.op} : ${formatType(node.type)}${layer ? ` in ${layer}` : ""}: ${problem}`,
  );
}
