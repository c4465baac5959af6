import {
  evaluate,
  type Node,
  type NodeOf,
  prepared,
  rewriteNodes,
  topological,
  type Value,
} from "@fusewire/ir";
import type { WeightSource } from "./engine.ts";

/**
 * Computes one prepared value on the host with the op table's own evaluation, reading only the weights it needs:
 * every engine gets the same bits, and no more than one value's sources are in memory at a time.
 */
export async function evaluatePrepared(node: Node, source: WeightSource): Promise<Value> {
  return evaluateOver(node, source, new Map());
}

async function evaluateOver(
  node: Node,
  source: WeightSource,
  known: ReadonlyMap<string, Value>,
): Promise<Value> {
  const params = new Map<string, Value>();
  for (const leaf of topological([node]))
    if (leaf.op === "param") params.set(leaf.attrs.name, await source(leaf.attrs.name));
  const environment = {
    params: (name: string) => params.get(name)!,
    prepared: (name: string) => known.get(name)!,
  };
  return evaluate([node], environment).get(node)!;
}

/** Computes scales of groups, with the bits of the op's own evaluation. */
export type GroupScales = (scales: NodeOf<"group_scales">, source: WeightSource) => Promise<Value>;

/**
 * `evaluatePrepared` for the values of one model. Scales that were computed with their codes wait until they are asked
 * for themselves: they are small, and searching for them is most of the work. `groupScales` is a faster way to them.
 */
export function createPreparer(
  source: WeightSource,
  groupScales: GroupScales = evaluatePrepared,
): (node: Node) => Promise<Value> {
  const waiting = new Map<Node, Promise<Value>>();
  return async (node) => {
    // Scales and codes are of the same weights.
    const read = new Map<string, Promise<Value>>();
    const once: WeightSource = (name) => {
      const value = read.get(name) ?? source(name);
      read.set(name, value);
      return value;
    };
    const known = new Map<string, Value>();
    const names = new Map<Node, string>();
    for (const scales of topological([node])) {
      if (scales.op !== "group_scales") continue;
      const found = waiting.get(scales);
      const value = found ?? groupScales(scales, once);
      if (found) waiting.delete(scales);
      else {
        waiting.set(scales, value);
        // What could not be read may be asked for again.
        value.catch(() => waiting.delete(scales));
      }
      const name = `scales ${known.size}`;
      known.set(name, await value);
      names.set(scales, name);
    }
    if (known.size === 0) return evaluatePrepared(node, source);
    const changed = rewriteNodes([node], (rebuilt, original) => {
      const name = names.get(original);
      return name === undefined ? rebuilt : prepared(node.table, name, original.type);
    });
    return evaluateOver(changed.get(node)!, once, known);
  };
}
