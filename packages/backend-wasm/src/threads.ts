import { hostThreads, startHelper, threadsRefused } from "#platform";
import type { Heap } from "./heap.ts";
import * as ids from "./ids.ts";
import type { KernelModule } from "./kernels.ts";

/** The most threads that are started unless more are asked for: beyond, memory is what they wait for. */
const MOST = 8;

/** How many threads to run with, and why when it is fewer than asked for or than the machine has. */
export interface ThreadChoice {
  readonly threads: number;
  readonly reason: string | undefined;
}

export function chooseThreads(wanted: number | undefined): ThreadChoice {
  const threads = wanted ?? Math.min(MOST, hostThreads());
  if (threads <= 1) return { threads: 1, reason: undefined };
  const reason = threadsRefused();
  return reason === undefined ? { threads, reason } : { threads: 1, reason: `one thread: ${reason}` };
}

/** The threads that work beside the engine's own. */
export interface Helpers {
  /** The address of the words by which threads work together. */
  readonly control: number;
  /** Tells them where this run's scratch memory is. */
  prepare(scratch: number, stride: number): void;
  /** Threads that are at work at this moment, the engine's own included. */
  count(): number;
  stop(): void;
}

export function startHelpers(heap: Heap, kernels: KernelModule, threads: number): Helpers {
  const { memory } = heap;
  const control = heap.allocate(4 * ids.CONTROL_WORDS);
  const words = (): Int32Array => new Int32Array(memory.buffer, control, ids.CONTROL_WORDS);
  words().fill(0);
  let stopped = false;
  const helpers = Array.from({ length: threads - 1 }, (_, k) =>
    startHelper({ module: kernels.module, memory, control, thread: k + 1 }, () => {
      // One that ended by itself had been counted; one that never began had not.
      if (!stopped && Atomics.load(words(), ids.HELPERS) > 0) Atomics.sub(words(), ids.HELPERS, 1);
    }),
  );
  return {
    control,
    prepare(scratch, stride) {
      const view = words();
      view[ids.SCRATCH] = scratch;
      view[ids.SCRATCH_STRIDE] = stride;
    },
    count: () => 1 + Atomics.load(words(), ids.HELPERS),
    stop() {
      if (stopped) return;
      stopped = true;
      const view = words();
      Atomics.store(view, ids.STOP, 1);
      Atomics.add(view, ids.WAKE, 1);
      Atomics.notify(view, ids.WAKE);
      for (const terminate of helpers) void terminate();
    },
  };
}
