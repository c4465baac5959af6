import type { Memory } from "./memory.ts";

/**
 * Scratch memory of all programs of an engine: runs follow each other in the queue and nothing in scratch outlives a
 * run, so programs share it. A buffer never changes, for bind groups hold it.
 */
export interface ScratchPool {
  /** Distinct buffers of at least these sizes. */
  take(sizes: readonly number[]): GPUBuffer[];
  release(buffers: readonly GPUBuffer[]): void;
}

export function createScratchPool(memory: Memory): ScratchPool {
  const users = new Map<GPUBuffer, number>();
  return {
    take(sizes) {
      const taken = new Map<number, GPUBuffer>();
      const free = [...users.keys()].sort((a, b) => a.size - b.size);
      const bySize = [...sizes.entries()].sort(([, a], [, b]) => b - a);
      for (const [k, bytes] of bySize) {
        const at = free.findIndex(({ size }) => size >= bytes);
        const buffer = at >= 0 ? free.splice(at, 1)[0]! : memory.allocate("scratch memory", bytes);
        users.set(buffer, (users.get(buffer) ?? 0) + 1);
        taken.set(k, buffer);
      }
      return sizes.map((_, k) => taken.get(k)!);
    },
    release(buffers) {
      for (const buffer of buffers) {
        const left = (users.get(buffer) ?? 0) - 1;
        if (left > 0) users.set(buffer, left);
        else {
          users.delete(buffer);
          memory.free(buffer);
        }
      }
    },
  };
}
