/** What can be told from the graph of the runs of keys that queries see in a ring, i32[B, T]. */
import { isNode, type Node, uniformValue } from "@fusewire/ir";

/** Whether no run begins below 0: the run's begin is max(…, 0), or a constant. */
export const startsAtZero = (lo: Node): boolean =>
  operandsOfMax(lo).some((bound) => (uniformValue(bound) ?? -1) >= 0);

/**
 * Whether every run lies within the latest `slots` keys of its row, the newest being the last that any query of the row
 * sees: each begins at most `reach` keys before its own end, which is at most `spread` keys before the newest.
 */
export const fitsRing = (lo: Node, hi: Node, slots: number): boolean =>
  operandsOfMax(lo).some((bound) => {
    if (bound.op !== "sub") return false;
    const [end, reach] = [bound.inputs[0]!, uniformValue(bound.inputs[1]!)];
    if (reach === undefined) return false;
    const spread =
      end === hi ? spreadOf(hi) : end.op === "reduce_max" && end.inputs[0] === hi ? 0 : undefined;
    return spread !== undefined && reach + spread < slots;
  });

/** What a value is the largest of; a value is not less than any of them. */
function operandsOfMax(node: Node): Node[] {
  if (node.op === "max") return node.inputs.flatMap(operandsOfMax);
  // A constant that was brought to the shape of the others.
  if (node.op === "reshape" || node.op === "broadcast_to") return operandsOfMax(node.inputs[0]!);
  return [node];
}

/** How far apart the numbers of a row are at most, where that can be told: x + (0, 1, 2, …), or one number alone. */
function spreadOf(node: Node): number | undefined {
  const length = node.type.shape.at(-1)!;
  if (length === 1) return 0;
  if (!isNode(node, "add")) return undefined;
  const [a, b] = node.inputs as readonly [Node, Node];
  const counted = (steps: Node, start: Node): boolean =>
    steps.op === "iota" && (start.type.shape.at(-1) ?? 1) === 1;
  return counted(a, b) || counted(b, a) ? length - 1 : undefined;
}
