import type { Node, TensorType } from "@fusewire/ir";
import type { ProgramBuffer } from "./program.ts";
import { overwritesInStep } from "./state_updates.ts";

/** A buffer that exists outside the program, by its index, or scratch memory whose slot is chosen later. */
export type Memory = { readonly kind: "buffer"; readonly index: number } | Scratch;

/** See `Lifetime`; it is known when all steps are. */
export interface Scratch {
  readonly kind: "scratch";
  readonly bytes: number;
  first: number;
  last: number;
  readonly mayReplace: Set<Scratch>;
}

/** A tensor inside some memory. */
export interface Place {
  readonly memory: Memory;
  readonly offset: number;
  readonly type: TensorType;
}

export interface DraftStep {
  readonly kernel: string;
  readonly reads: readonly Place[];
  readonly write: Place;
  readonly attrs: object;
  readonly layer: string | undefined;
}

/** A program but for the slots. */
export interface Draft {
  readonly buffers: readonly ProgramBuffer[];
  readonly scratch: readonly Scratch[];
  readonly steps: readonly DraftStep[];
  readonly outputs: ReadonlyMap<string, Place>;
}

/** Scratch that a step may write over while it reads it: element i is read before it is written. */
export const replaceable = (node: Node, reads: readonly Place[]): Scratch[] =>
  reads.flatMap(({ memory }) => {
    const here = reads.filter((read) => read.memory === memory);
    const inStep = here.every(({ offset }) => offset === 0) && overwritesInStep(node, here);
    return memory.kind === "scratch" && inStep ? [memory] : [];
  });
