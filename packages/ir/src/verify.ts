import { FusewireError } from "./errors.ts";
import { type Entry, type Module, rootsOf, topological } from "./module.ts";
import type { Node } from "./node.ts";
import { inferType } from "./op.ts";
import { defOf } from "./ops/table.ts";
import { formatType, sameType, type TensorType } from "./type.ts";

/**
 * Checks what every pass must preserve: types follow from the op table, leaves are declared, and states keep their
 * type. `legal` adds what a level allows. Throws an error that names entry, node and layer.
 */
export function verify(module: Module, legal: (node: Node) => boolean = () => true): void {
  requireDistinct("state", module.states);
  requireDistinct("entry", module.entries);
  const params = new Map<string, TensorType>();
  for (const [name, node] of module.prepare) {
    const where = `prepare '${name}'`;
    for (const inner of topological([node])) {
      checkNode(module, where, inner, params);
      if (inner.op === "state" || inner.op === "input" || inner.op === "prepared")
        fail(module, where, inner, "prepared values may depend on weights alone");
    }
  }
  for (const entry of module.entries) verifyEntry(module, entry, params, legal);
}

function verifyEntry(
  module: Module,
  entry: Entry,
  params: Map<string, TensorType>,
  legal: (node: Node) => boolean,
): void {
  const where = `entry '${entry.name}'`;
  requireDistinct(`${where}: input`, entry.inputs);
  const states = new Map(module.states.map(({ name, type }) => [name, type]));
  const inputs = new Map(entry.inputs.map(({ name, type }) => [name, type]));
  const nodes = topological(rootsOf(entry));
  for (const node of nodes) {
    checkNode(module, where, node, params);
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
}

/** The table and the type of a node, and that a weight has one type wherever it is read. */
function checkNode(module: Module, where: string, node: Node, params: Map<string, TensorType>): void {
  if (node.table !== module.table) fail(module, where, node, "was built in another table");
  const inferred = inferAgain(module, where, node);
  if (!sameType(inferred, node.type))
    fail(module, where, node, `has the type ${formatType(inferred)} by its rule`);
  if (node.op !== "param") return;
  const known = params.get(node.attrs.name) ?? node.type;
  if (!sameType(known, node.type))
    fail(module, where, node, `param '${node.attrs.name}' is ${formatType(known)} elsewhere`);
  params.set(node.attrs.name, known);
}

function inferAgain(module: Module, where: string, node: Node): TensorType {
  try {
    return inferType(defOf(node), node.inputs, node.attrs);
  } catch (error) {
    if (!(error instanceof FusewireError)) throw error;
    return fail(module, where, node, error.message);
  }
}

function requireDistinct(what: string, named: readonly { readonly name: string }[]): void {
  const seen = new Set<string>();
  for (const { name } of named) {
    if (seen.has(name)) throw new FusewireError(`${what} '${name}' is there twice`);
    seen.add(name);
  }
}

function fail(module: Module, where: string, node: Node, problem: string): never {
  const layer = module.layers.get(node);
  throw new FusewireError(
    `${where}: ${node.op} : ${formatType(node.type)}${layer ? ` in ${layer}` : ""}: ${problem}`,
  );
}
