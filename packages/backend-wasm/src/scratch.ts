import type { WasmExecutable } from "./executable.ts";
import type { Heap } from "./heap.ts";
import { align } from "./layout.ts";

/** Memory for values that do not outlive a run; entries never run at once, so they share it. */
export interface Scratch {
  /** Room for one executable: the address of its slots, and that of the first thread's own part. */
  require(executable: WasmExecutable, threads: number): { readonly slots: number; readonly threads: number };
  /** Gives everything back when no executable is left. */
  release(left: ReadonlySet<WasmExecutable>): void;
}

export function createScratch(heap: Heap): Scratch {
  let held: { readonly address: number; readonly bytes: number } | undefined;
  const drop = (): void => {
    if (held) heap.free(held.address);
    held = undefined;
  };
  return {
    require({ slotBytes, threadBytes }, threads) {
      const own = align(slotBytes);
      const bytes = own + threads * threadBytes;
      if (!held || held.bytes < bytes) {
        drop();
        held = { address: heap.allocate(bytes), bytes };
      }
      return { slots: held.address, threads: held.address + own };
    },
    release(left) {
      if (left.size === 0) drop();
    },
  };
}
