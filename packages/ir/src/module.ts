import { FusewireError } from "./errors.ts";
import type { Node, NodeOf } from "./node.ts";
import { input, param, state } from "./ops/leaves.ts";
import { NodeTable } from "./table.ts";
import { formatType, sameType, type TensorType } from "./type.ts";

/** A named tensor that lives on the device from step to step. */
export interface StateDecl {
  readonly name: string;
  readonly type: TensorType;
}

/** One function that can be run: reads params and states, returns outputs and new values of states. */
export interface Entry {
  readonly name: string;
  readonly inputs: readonly { readonly name: string; readonly type: TensorType }[];
  readonly outputs: ReadonlyMap<string, Node>;
  /** New values of states; a state that is not named keeps its value. */
  readonly writes: ReadonlyMap<string, Node>;
}

/** What is compiled together: entries that share weights and states. */
export interface Module {
  readonly table: NodeTable;
  readonly states: readonly StateDecl[];
  /** Values computed from weights once, while loading, by the name under which entries read them. */
  readonly prepare: ReadonlyMap<string, Node>;
  readonly entries: readonly Entry[];
  /** The layer that made a node, such as `model.layers.0.mlp`, where there is one. */
  readonly layers: ReadonlyMap<Node, string>;
}

/** All nodes an entry keeps alive: first what it returns, then what it writes. */
export const rootsOf = (entry: Entry): Node[] => [...entry.outputs.values(), ...entry.writes.values()];

/** All nodes a module keeps alive: what it prepares, and what its entries return and write. */
export const rootsOfModule = ({ prepare, entries }: Pick<Module, "prepare" | "entries">): Node[] => [
  ...prepare.values(),
  ...entries.flatMap(rootsOf),
];

/** The module with the layers of those of its nodes that have one in `layers`. */
export function withLayers(
  module: Omit<Module, "layers">,
  layers: ReadonlyMap<Node, string | undefined>,
): Module {
  const kept = topological(rootsOfModule(module)).flatMap((node) => {
    const layer = layers.get(node);
    return layer === undefined ? [] : [[node, layer] as const];
  });
  return { ...module, layers: new Map(kept) };
}

/** Every node reachable from the roots, inputs before users. */
export function topological(roots: Iterable<Node>): Node[] {
  const order: Node[] = [];
  const seen = new Set<Node>();
  // An explicit stack: a model of many layers is deeper than the call stack.
  const stack: { node: Node; next: number }[] = [];
  for (const root of roots) {
    if (!seen.has(root)) stack.push({ node: root, next: 0 });
    seen.add(root);
    for (let top = stack[stack.length - 1]; top; top = stack[stack.length - 1]) {
      const child = top.node.inputs[top.next++];
      if (!child) {
        order.push(top.node);
        stack.pop();
      } else if (!seen.has(child)) {
        seen.add(child);
        stack.push({ node: child, next: 0 });
      }
    }
  }
  return order;
}

/** The params a module reads, in its entries or while loading, by name. */
export function paramsOf(module: Module): Map<string, TensorType> {
  const params = new Map<string, TensorType>();
  for (const node of topological(rootsOfModule(module)))
    if (node.op === "param") params.set(node.attrs.name, node.type);
  return params;
}

/** What a traced function works with: the names of the world outside the graph. */
export interface Tracer {
  readonly table: NodeTable;
  input(name: string, type: TensorType): Node;
  param(name: string, type: TensorType): Node;
  state(name: string, type: TensorType): Node;
  /** Sets the state's value after the step. A state is written at most once. */
  write(name: string, value: Node): void;
  /** Runs `body` with `layer` appended to the layer name that nodes and errors carry. */
  scope<T>(layer: string, body: () => T): T;
}

/**
 * Traces functions into a module: each runs once, with symbolic tensors, and returns its outputs by name.
 * Several traces may share a table, so that equal weights and prepared values are the same nodes.
 */
export function trace(
  functions: Readonly<Record<string, (tracer: Tracer) => Readonly<Record<string, Node>>>>,
  table: NodeTable = new NodeTable(),
): Module {
  const states = new Map<string, TensorType>();
  const params = new Map<string, TensorType>();
  const own = (what: string, node: Node): Node => {
    if (node.table !== table) throw new FusewireError(`${what} was built in another table`);
    return node;
  };
  const traceEntry = ([name, fn]: [string, (typeof functions)[string]]): Entry => {
    const inputs = new Map<string, TensorType>();
    const writes = new Map<string, Node>();
    const declare = (kind: string, known: Map<string, TensorType>, leaf: string, type: TensorType) => {
      const before = known.get(leaf);
      if (before && !sameType(before, type))
        throw new FusewireError(`${kind} '${leaf}' is both ${formatType(before)} and ${formatType(type)}`);
      known.set(leaf, type);
    };
    const outputs = fn({
      table,
      input: (leaf, type) => {
        declare("input", inputs, leaf, type);
        return input(table, leaf, type);
      },
      param: (leaf, type) => {
        declare("param", params, leaf, type);
        return param(table, leaf, type);
      },
      state: (leaf, type) => {
        declare("state", states, leaf, type);
        return state(table, leaf, type);
      },
      write: (leaf, value) => {
        const type = states.get(leaf);
        if (!type) throw new FusewireError(`'${leaf}' is written but was never read as a state`);
        if (writes.has(leaf)) throw new FusewireError(`state '${leaf}' is written twice in one step`);
        if (!sameType(type, value.type))
          throw new FusewireError(`state '${leaf}' is ${formatType(type)}, not ${formatType(value.type)}`);
        writes.set(leaf, own(`the value of state '${leaf}'`, value));
      },
      scope: (layer, body) => table.scope(layer, body),
    });
    return {
      name,
      inputs: [...inputs].map(([leaf, type]) => ({ name: leaf, type })),
      outputs: new Map(Object.entries(outputs).map(([leaf, node]) => [leaf, own(`output '${leaf}'`, node)])),
      writes,
    };
  };
  const layers = new Map<Node, string | undefined>();
  const entries = table.noteLayers(layers, () => Object.entries(functions).map(traceEntry));
  return withLayers(
    { table, states: [...states].map(([name, type]) => ({ name, type })), prepare: new Map(), entries },
    layers,
  );
}

/** Whether the node is a leaf of the given kind. */
export const isLeaf = <K extends "param" | "prepared" | "state" | "input">(
  node: Node,
  op: K,
): node is NodeOf<K> & Node => node.op === op;
