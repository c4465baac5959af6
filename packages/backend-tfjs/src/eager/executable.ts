import { bytesOf, defOf, type Entry, type Node, type StateDecl, type Value } from "@fusewire/ir";
import type { Executable, Held, Lowered } from "@fusewire/passes";
import type { Device } from "./backend.ts";
import { type Plan, planEntry } from "./plan.ts";
import type { Slot } from "./slot.ts";
import { tensorBytes } from "./transfer.ts";
import { type EagerWeights, type Leaf, requireWeight } from "./weights.ts";

export interface EagerExecutable extends Executable {
  readonly plan: Plan;
  readonly source: Entry;
  readonly states: readonly StateDecl[];
  readonly weights: EagerWeights;
  /** By every node that stands for a weight. */
  readonly leaves: ReadonlyMap<Node, Leaf>;
  /** Evaluated once; uploaded when a kernel first asks for them. */
  readonly constants: ReadonlyMap<Node, Slot>;
  disposed: boolean;
}

/** Plans the entry and reads the weights it needs. */
export async function compileEntry(
  device: Device,
  lowered: Lowered,
  weights: EagerWeights,
  onDispose: (executable: EagerExecutable) => void,
): Promise<EagerExecutable> {
  const plan = planEntry(lowered.entry);
  const leaves = new Map<Node, Leaf>();
  for (const read of plan.weights) {
    const leaf = await requireWeight(device, weights, lowered, read);
    for (const node of read.reads) leaves.set(node, leaf);
  }
  const constants = new Map(plan.constants.map((node) => [node, constantSlot(node)] as const));
  const executable: EagerExecutable = {
    entry: lowered.entry.name,
    launches: plan.launches,
    plan,
    source: lowered.entry,
    states: lowered.states,
    weights,
    leaves,
    constants,
    disposed: false,
    dispose() {
      executable.disposed = true;
      for (const slot of constants.values()) {
        slot.tensor?.dispose();
        delete slot.tensor;
      }
      onDispose(executable);
    },
  };
  return executable;
}

function constantSlot(node: Node): Slot {
  const host: Value = defOf(node).evaluate!([], node.attrs, node.type);
  return { type: node.type, host, borrowed: true };
}

export function heldByExecutable({ constants }: EagerExecutable): Held {
  let bytes = 0;
  let tensors = 0;
  for (const { type, tensor } of constants.values()) {
    bytes += bytesOf(type) + (tensor ? tensorBytes(tensor) : 0);
    tensors += tensor ? 2 : 1;
  }
  return { bytes, tensors };
}
