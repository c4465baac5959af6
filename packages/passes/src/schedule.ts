import { defOf, type Node } from "@fusewire/ir";
import type { Lowered } from "./lowered.ts";
import { planUpdates } from "./state_updates.ts";

/**
 * The order in which an engine runs an entry's nodes: inputs first, and whatever reads a state's old value before
 * the op that overwrites it.
 */
export const schedule = ({ entry }: Lowered): readonly Node[] =>
  planUpdates(entry, (node) => (defOf(node).view ? 0 : undefined)).order;
