import { FusewireError } from "./errors.ts";
import { type Entry, type Module, rootsOf, topological } from "./module.ts";
import type { Node } from "./node.ts";
import { defOf } from "./ops/table.ts";
import { formatType, sameType } from "./type.ts";
import type { Value } from "./value.ts";

/** Where the interpreter finds the values of leaves. */
export interface Environment {
  readonly params?: (name: string) => Value;
  readonly prepared?: (name: string) => Value;
  readonly states?: (name: string) => Value;
  readonly inputs?: (name: string) => Value;
}

/** Computes nodes one by one with the op table's own evaluation: slow, obvious, and the meaning of every op. */
export function evaluate(roots: readonly Node[], environment: Environment): Map<Node, Value> {
  const values = new Map<Node, Value>();
  const order = topological(roots);
  const lastUse = new Map<Node, Node>();
  for (const node of order) for (const input of node.inputs) lastUse.set(input, node);
  const kept = new Set(roots);
  for (const node of order) {
    const inputs = node.inputs.map((input) => values.get(input)!);
    values.set(node, evaluateNode(node, inputs, environment));
    // Nothing reads it again: let it go, or a long prompt would hold every layer's activations at once.
    for (const input of node.inputs)
      if (lastUse.get(input) === node && !kept.has(input)) values.delete(input);
  }
  return values;
}

function evaluateNode(node: Node, inputs: readonly Value[], environment: Environment): Value {
  switch (node.op) {
    case "param":
      return leafValue(node, node.attrs.name, environment.params);
    case "prepared":
      return leafValue(node, node.attrs.name, environment.prepared);
    case "state":
      return leafValue(node, node.attrs.name, environment.states);
    case "input":
      return leafValue(node, node.attrs.name, environment.inputs);
    default: {
      const def = defOf(node);
      if (!def.evaluate) throw new Error(`${node.op} has no evaluation`);
      return def.evaluate(inputs, node.attrs, node.type);
    }
  }
}

function leafValue(node: Node, name: string, read: ((name: string) => Value) | undefined): Value {
  if (!read) throw new FusewireError(`${node.op} '${name}' has no value here`);
  const value = read(name);
  if (!sameType(value.type, node.type))
    throw new FusewireError(
      `${node.op} '${name}' is ${formatType(value.type)}, not ${formatType(node.type)}`,
    );
  return value;
}

export interface StepResult {
  readonly outputs: Map<string, Value>;
  /** New values of the states that the entry writes. */
  readonly writes: Map<string, Value>;
}

/** Runs one entry of a module. Prepared values are computed anew from params unless the environment has them. */
export function interpret(module: Module, entryName: string, environment: Environment): StepResult {
  const entry = entryNamed(module, entryName);
  const prepared =
    environment.prepared ??
    ((name: string): Value => {
      const node = module.prepare.get(name);
      if (!node) throw new FusewireError(`'${name}' is not prepared by this module`);
      return evaluate([node], environment).get(node)!;
    });
  const values = evaluate(rootsOf(entry), { ...environment, prepared });
  const pick = (nodes: ReadonlyMap<string, Node>) =>
    new Map([...nodes].map(([name, node]) => [name, values.get(node)!] as const));
  return { outputs: pick(entry.outputs), writes: pick(entry.writes) };
}

export function entryNamed(module: Module, name: string): Entry {
  const entry = module.entries.find((candidate) => candidate.name === name);
  if (!entry)
    throw new FusewireError(
      `there is no entry '${name}'; known: ${module.entries.map((e) => e.name).join(", ")}`,
    );
  return entry;
}
