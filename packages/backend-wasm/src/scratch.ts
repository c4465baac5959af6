import type { Heap } from "./heap.ts";
import { align } from "./layout.ts";

/** What one run of an entry needs. */
export interface ScratchNeeds {
  /** Bytes of values that pass from step to step. */
  readonly slotBytes: number;
  /** Bytes that each thread needs for itself. */
  readonly threadBytes: number;
}

/** Memory for values that do not outlive a run; entries never run at once, so they share it. */
export interface Scratch {
  /** Bytes that are missing for an entry. */
  missing(needs: ScratchNeeds): number;
  /** Room for one entry: the address of its slots, and that of the first thread's own part. */
  require(needs: ScratchNeeds): { readonly slots: number; readonly threads: number };
  /** Gives everything back. */
  release(): void;
}

/** Bytes of one entry's slots, and of the own part of each thread. */
export const scratchBytesOf = ({ slotBytes, threadBytes }: ScratchNeeds, threads: number): number =>
  align(slotBytes) + threads * threadBytes;

export function createScratch(heap: Heap, threads: number): Scratch {
  let held: { readonly address: number; readonly bytes: number } | undefined;
  const hold = (bytes: number) => {
    held = { address: heap.allocate(bytes), bytes };
    return held;
  };
  const release = (): void => {
    if (held) heap.free(held.address);
    held = undefined;
  };
  const bytesOf = (needs: ScratchNeeds): number => scratchBytesOf(needs, threads);
  /** Room for so many bytes in place of what there is, which comes back when there is no such room. */
  const replace = (bytes: number) => {
    const before = held?.bytes;
    release();
    try {
      return hold(bytes);
    } catch (error) {
      if (before !== undefined) hold(before);
      throw error;
    }
  };
  return {
    missing: (needs) => Math.max(0, bytesOf(needs) - (held?.bytes ?? 0)),
    require(needs) {
      const bytes = bytesOf(needs);
      const { address } = held && held.bytes >= bytes ? held : replace(bytes);
      return { slots: address, threads: address + align(needs.slotBytes) };
    },
    release,
  };
}
