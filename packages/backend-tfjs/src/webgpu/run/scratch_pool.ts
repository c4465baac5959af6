import { allocatedBytes, type Memory } from "./memory.ts";

/**
 * Scratch memory of all programs of an engine: runs follow each other in the queue and nothing in scratch outlives a
 * run, so programs share it. A buffer never changes, for bind groups hold it.
 */
export interface ScratchPool {
  /** Distinct buffers of at least these sizes. */
  take(sizes: readonly number[]): GPUBuffer[];
  /** Bytes that `take` would allocate. */
  missing(sizes: readonly number[]): number;
  release(buffers: readonly GPUBuffer[]): void;
}

export function createScratchPool(memory: Memory): ScratchPool {
  const users = new Map<GPUBuffer, number>();

  /** For each size the smallest buffer that is left, the largest sizes first. */
  function assign(sizes: readonly number[]): (GPUBuffer | undefined)[] {
    const free = [...users.keys()].sort((a, b) => a.size - b.size);
    const assigned: (GPUBuffer | undefined)[] = sizes.map(() => undefined);
    for (const [k, bytes] of [...sizes.entries()].sort(([, a], [, b]) => b - a)) {
      const at = free.findIndex(({ size }) => size >= bytes);
      if (at >= 0) assigned[k] = free.splice(at, 1)[0];
    }
    return assigned;
  }

  return {
    take(sizes) {
      const taken = assign(sizes).map((buffer, k) => buffer ?? memory.allocate("scratch memory", sizes[k]!));
      for (const buffer of taken) users.set(buffer, (users.get(buffer) ?? 0) + 1);
      return taken;
    },
    missing: (sizes) =>
      assign(sizes).reduce((sum, buffer, k) => sum + (buffer ? 0 : allocatedBytes(sizes[k]!)), 0),
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
