import { hostThreads, startHelper, threadsRefused } from "#platform";
import type { Heap } from "./heap.ts";
import * as ids from "./ids.ts";
import type { KernelModule } from "./kernels.ts";

/** The most threads that are started unless more are asked for: beyond, memory is what they wait for. */
const MOST = 8;

/** How many threads to run with, and why when they cannot be more than one. */
export interface ThreadChoice {
  readonly wanted: number;
  readonly threads: number;
  readonly reason: string | undefined;
}

export function chooseThreads(asked: number | undefined): ThreadChoice {
  const wanted = Math.max(1, asked ?? Math.min(MOST, hostThreads()));
  const reason = wanted > 1 ? threadsRefused() : undefined;
  return { wanted, threads: reason === undefined ? wanted : 1, reason };
}

/** The threads that work beside the engine's own. */
export interface Helpers {
  /** The address of the words by which threads work together. */
  readonly control: number;
  /** Tells them where this run's scratch memory is. */
  prepare(scratch: number, stride: number): void;
  /** Threads that were started and have not ended, the engine's own included. */
  count(): number;
  /** Why a helper could not be started, or has ended. */
  failure(): string | undefined;
  /** Resolves when all have begun or failed: after turns of the event loop, by which hosts tell, at most so many. */
  settled(turns?: number): Promise<void>;
  /** Resolves when they have ended. */
  stop(): Promise<void>;
}

export function startHelpers(
  heap: Heap,
  kernels: KernelModule,
  threads: number,
  start: typeof startHelper = startHelper,
): Helpers {
  const control = heap.allocate(4 * ids.CONTROL_WORDS);
  const words = (): Int32Array => new Int32Array(heap.memory.buffer, control, ids.CONTROL_WORDS);
  words().fill(0);
  let stopped = false;
  let failure: string | undefined;
  const running = new Set<() => Promise<void>>();
  for (let thread = 1; thread < threads; thread++) {
    let terminate: (() => Promise<void>) | undefined;
    const onGone = (reason: string): void => {
      if (terminate) running.delete(terminate);
      if (!stopped) failure ??= reason;
    };
    try {
      // Policies refuse workers here or, in some browsers, later by an event.
      terminate = start({ module: kernels.module, memory: heap.memory, control, thread }, onGone);
      running.add(terminate);
    } catch (error) {
      onGone(error instanceof Error ? error.message : String(error));
    }
  }
  return {
    control,
    prepare(scratch, stride) {
      const view = words();
      view[ids.SCRATCH] = scratch;
      view[ids.SCRATCH_STRIDE] = stride;
    },
    count: () => 1 + running.size,
    failure: () => failure,
    async settled(turns = 500) {
      for (let turn = 0; turn < turns && Atomics.load(words(), ids.HELPERS) < running.size; turn++)
        await new Promise((resolve) => setTimeout(resolve, 5));
    },
    async stop() {
      if (stopped) return;
      stopped = true;
      const view = words();
      Atomics.store(view, ids.STOP, 1);
      Atomics.add(view, ids.WAKE, 1);
      Atomics.notify(view, ids.WAKE);
      const ending = [...running].map((terminate) => terminate());
      running.clear();
      await Promise.all(ending);
    },
  };
}
