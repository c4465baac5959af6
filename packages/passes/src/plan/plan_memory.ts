import type { EngineTraits } from "../engine/engine.ts";
import type { Lowered } from "../engine/lowered.ts";
import { assignSlots, type Lifetime } from "./assign_slots.ts";
import type { Draft, Memory, Place } from "./draft.ts";
import { draftSteps } from "./draft_steps.ts";
import type { Program, ProgramBuffer, Ref } from "./program.ts";
import { planUpdates } from "./state_updates.ts";
import { viewsAligned } from "./views.ts";

/**
 * Turns a lowered entry into a program: nodes in order, leaves and views as references, and every other value in a
 * slot of scratch memory that values reuse whose lifetimes do not overlap. Kernels of ops flagged `inPlace` always
 * have their first read as their write.
 */
export function planMemory(lowered: Lowered, { memory: rules }: EngineTraits): Program {
  const viewOffset = viewsAligned(rules.alignment);
  const updates = planUpdates(lowered.entry, viewOffset, rules);
  return { ...withSlots(lowered, draftSteps(lowered, updates, viewOffset, rules)), copies: updates.copies };
}

function withSlots(
  { entry, rows }: Lowered,
  { buffers, scratch, steps, outputs }: Draft,
): Omit<Program, "copies"> {
  const slots = assignSlots(scratch);
  const indexOf = new Map<Lifetime, number>(
    slots.flatMap(({ values }, k) => values.map((value) => [value, buffers.length + k] as const)),
  );
  const bufferOf = (memory: Memory): number =>
    memory.kind === "buffer" ? memory.index : indexOf.get(memory)!;
  const ref = ({ memory, offset, type }: Place): Ref => ({ buffer: bufferOf(memory), offset, type });
  return {
    entry: entry.name,
    rows,
    buffers: [
      ...buffers,
      ...slots.map(({ bytes }, k): ProgramBuffer => ({ kind: "slot", name: `slot${k}`, bytes })),
    ],
    steps: steps.map((step) => ({ ...step, reads: step.reads.map(ref), write: ref(step.write) })),
    outputs: Object.fromEntries([...outputs].map(([name, place]) => [name, ref(place)])),
  };
}
