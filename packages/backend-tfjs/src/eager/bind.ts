import { FusewireError, formatType, isLeaf, type Node, sameType, type Value } from "@fusewire/ir";
import { checkRunnable } from "@fusewire/passes";
import type { EagerExecutable } from "./executable.ts";
import type { Slot } from "./slot.ts";
import type { EagerStates } from "./states.ts";
import { copyValue } from "./transfer.ts";

export type Slots = Map<Node, Slot>;

/** The values that are there before a run begins: weights, constants, states and inputs. */
export function bind(
  executable: EagerExecutable,
  states: EagerStates,
  inputs: ReadonlyMap<string, Value>,
): Slots {
  checkRunnable(executable, states);
  const { entry, plan, leaves, constants } = executable;
  const slots: Slots = new Map(constants);
  for (const [node, { resident, value }] of leaves) {
    const { type } = node;
    slots.set(node, resident ? { type, resident, borrowed: true } : { type, host: value! });
  }
  for (const node of plan.states) slots.set(node, stateSlot(entry, node, states));
  for (const node of plan.inputs) slots.set(node, inputSlot(entry, node, inputs));
  return slots;
}

function stateSlot(entry: string, node: Node, states: EagerStates): Slot {
  const name = isLeaf(node, "state") ? node.attrs.name : "";
  const { type } = node;
  const decl = states.decls.find((candidate) => candidate.name === name);
  if (!decl || !sameType(decl.type, type))
    throw new FusewireError(
      `entry '${entry}' needs the state '${name}' : ${formatType(type)}, the states have ${decl ? formatType(decl.type) : "none of that name"}`,
    );
  const tensor = states.tensors.get(name);
  return tensor ? { type, tensor, borrowed: true } : { type, host: states.values.get(name)! };
}

function inputSlot(entry: string, node: Node, inputs: ReadonlyMap<string, Value>): Slot {
  const name = isLeaf(node, "input") ? node.attrs.name : "";
  const value = inputs.get(name);
  if (!value || !sameType(value.type, node.type))
    throw new FusewireError(
      `entry '${entry}' needs the input '${name}' : ${formatType(node.type)}, was given ${value ? formatType(value.type) : "nothing"}`,
    );
  // Copied, for the caller may fill the same array again while the cpu backend still holds it.
  return { type: node.type, host: copyValue(value) };
}
