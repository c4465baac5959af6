import { evaluate, type Node, topological, type Value } from "@fusewire/ir";
import type { WeightSource } from "./engine.ts";

/**
 * Computes one prepared value on the host with the op table's own evaluation, reading only the weights it needs:
 * every engine gets the same bits, and no more than one value's sources are in memory at a time.
 */
export async function evaluatePrepared(node: Node, source: WeightSource): Promise<Value> {
  const params = new Map<string, Value>();
  for (const leaf of topological([node]))
    if (leaf.op === "param") params.set(leaf.attrs.name, await source(leaf.attrs.name));
  return evaluate([node], { params: (name) => params.get(name)! }).get(node)!;
}
