import { FusewireError } from "@fusewire/ir";

/** What a wasm memory can hold at most. */
export const LARGEST_MEMORY = 2 ** 32;
export const PAGE = 65536;
/** Cache lines, so that threads do not write to the same one and vectors lie well. */
const ALIGNMENT = 64;
/** Kernels read whole vectors, so up to a vector beyond the last element of the memory. */
const MARGIN = 64;

/** Of whatever is used after its engine. */
export const DISPOSED = "the wasm engine was disposed; load the model again";

/** Bytes of one wasm memory, handed out and taken back. */
export interface Heap {
  /** Read anew for each use, so that nobody keeps it alive; an error after `drop`. */
  readonly memory: WebAssembly.Memory;
  /** Lets go of the memory, so that it can be collected whoever still holds the heap. */
  drop(): void;
  /** The address of `bytes` fresh bytes, not cleared. */
  allocate(bytes: number): number;
  free(address: number): void;
  /** Bytes handed out, as they were asked for. */
  held(): number;
  /**
   * Refuses what could never fit, naming what needs it. Else the memory grows for it at once: engines collect garbage
   * after every growth.
   */
  require(bytes: number, what: string): void;
}

interface Block {
  readonly address: number;
  readonly bytes: number;
}

const align = (bytes: number): number => Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;

export interface HeapLimits {
  /** Bytes that may be handed out at once: `max_memory`. */
  readonly allowed?: number | undefined;
  /** Bytes that the memory may grow to. */
  readonly largest?: number | undefined;
}

/** A heap over the memory from `base` on; the memory grows when nothing free is large enough. */
export function createHeap(given: WebAssembly.Memory, base: number, limits: HeapLimits = {}): Heap {
  let own: WebAssembly.Memory | undefined = given;
  const memory = (): WebAssembly.Memory => {
    if (!own) throw new FusewireError(DISPOSED);
    return own;
  };
  const { allowed = Number.POSITIVE_INFINITY, largest = LARGEST_MEMORY } = limits;
  const used = new Map<number, number>();
  let free: Block[] = [];
  let end = align(base);
  let held = 0;

  const take = (bytes: number): number => {
    const fit = free.findIndex((block) => block.bytes >= bytes);
    if (fit < 0) {
      grow(memory(), end + bytes + MARGIN);
      end += bytes;
      return end - bytes;
    }
    const block = free[fit]!;
    const rest = { address: block.address + bytes, bytes: block.bytes - bytes };
    free.splice(fit, 1, ...(rest.bytes > 0 ? [rest] : []));
    return block.address;
  };

  const check = (bytes: number, what: string): void => {
    if (bytes > allowed - held)
      throw new FusewireError(
        `${what}: ${bytes} more bytes are needed, and max_memory leaves ${allowed - held}; raise it, or choose a smaller model, dtype, batch or max_length`,
      );
    const room = largest - base - held - MARGIN;
    if (bytes > room)
      throw new FusewireError(
        `${what}: ${bytes} more bytes are needed, and of the ${sizeText(largest)} that WebAssembly can address here ${room} are free; choose a smaller model, a smaller dtype or another device`,
      );
  };

  return {
    get memory() {
      return memory();
    },
    drop() {
      own = undefined;
    },
    allocate(bytes) {
      check(bytes, "a buffer");
      const address = take(align(Math.max(1, bytes)));
      used.set(address, bytes);
      held += bytes;
      return address;
    },
    free(address) {
      const bytes = used.get(address);
      if (bytes === undefined) throw new Error(`nothing was allocated at ${address}`);
      used.delete(address);
      held -= bytes;
      free = joined([...free, { address, bytes: align(Math.max(1, bytes)) }]);
      const last = free.at(-1);
      if (last && last.address + last.bytes === end) {
        end = last.address;
        free.pop();
      }
    },
    held: () => held,
    require(bytes, what) {
      check(bytes, what);
      grow(memory(), end + bytes - free.reduce((sum, block) => sum + block.bytes, 0) + MARGIN);
    },
  };
}

/** Blocks in order of address, neighbours made one. */
function joined(blocks: readonly Block[]): Block[] {
  const result: Block[] = [];
  for (const block of [...blocks].sort((a, b) => a.address - b.address)) {
    const before = result.at(-1);
    if (before && before.address + before.bytes === block.address)
      result[result.length - 1] = { address: before.address, bytes: before.bytes + block.bytes };
    else result.push(block);
  }
  return result;
}

/** 4 GiB, or the MiB of a smaller memory. */
const sizeText = (bytes: number): string =>
  bytes % 2 ** 30 === 0 ? `${bytes / 2 ** 30} GiB` : `${bytes / 2 ** 20} MiB`;

function grow(memory: WebAssembly.Memory, bytes: number): void {
  const missing = bytes - memory.buffer.byteLength;
  if (missing <= 0) return;
  try {
    memory.grow(Math.ceil(missing / PAGE));
  } catch {
    throw new FusewireError(
      `the host refused ${missing} more bytes of memory, beyond the ${memory.buffer.byteLength} in use; close other programs or choose a smaller model or dtype`,
    );
  }
}
