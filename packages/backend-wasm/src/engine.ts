import { FusewireError, type StateDecl } from "@fusewire/ir";
import { checkWeights, type Engine, repeated } from "@fusewire/passes";
import { collectGarbage, type Variant } from "#platform";
import { claims } from "./encode/index.ts";
import { compileEntry, entrySizes, type WasmExecutable } from "./executable.ts";
import { createHeap, DISPOSED, PAGE } from "./heap.ts";
import { instantiate, loadKernels } from "./kernels.ts";
import { scalesOf } from "./quantize.ts";
import { bind, readOutputs } from "./run.ts";
import { createScratch } from "./scratch.ts";
import { copyInto, createStates, readState, type WasmStates } from "./states.ts";
import { chooseThreads, startHelpers } from "./threads.ts";
import { createWeights, type WasmWeights } from "./weights.ts";

export interface WasmOptions {
  /** Whether to use relaxed SIMD where the host has it; true unless given. */
  readonly relaxed?: boolean;
  /** Threads to run on; as many as the machine has, up to 8, unless given. */
  readonly threads?: number;
  /** Bytes that weights, caches and scratch memory may take together. */
  readonly max_memory?: number;
}

export interface WasmEngine extends Engine {
  /** Threads that it has at this moment. */
  readonly threads: number;
  /** Why it has fewer than were asked for, or than the machine has; workers that a host refuses are known a moment later. */
  readonly threadsReason: string | undefined;
  /** Resolves when it is known which threads have begun, so that the two above are final. */
  threadsSettled(): Promise<void>;
  /** Which SIMD the kernels use. */
  readonly simd: Variant;
}

/** What the kernels are compiled for, and what is tried where a host refuses to reserve so many: down to 256 MiB. */
const MOST_PAGES = 65536;
const FEWEST_PAGES = 4096;

/** Bytes of a memory that are worth a collection when they are given back: some tens of milliseconds. */
const WORTH_COLLECTING = 4 << 20;

const LOST = "so the states are not to be trusted; create the engine anew";

/** The engine "wasm": compiled SIMD kernels over one WebAssembly memory, on the CPU. */
export async function createWasmEngine(options: WasmOptions = {}): Promise<WasmEngine> {
  const { relaxed = true } = options;
  const { wanted, threads, reason } = chooseThreads(options.threads);
  const { memory, largest } = openMemory(threads > 1);
  const compiled = await loadKernels(relaxed, threads > 1);
  const kernels = await instantiate(compiled, memory);
  const heap = createHeap(memory, kernels.heapBase(), { allowed: options.max_memory, largest });
  const helpers = startHelpers(heap, compiled, threads);
  const own = heap.held();
  const scratch = createScratch(heap, threads);
  const allWeights = new Set<WasmWeights>();
  const allStates = new Set<WasmStates>();
  const executables = new Set<WasmExecutable>();
  let disposed = false;
  let failure: FusewireError | undefined;
  /** After a step that did not come to its end: nobody may go on with what it left half written. */
  const fail = (what: string, cause?: unknown): FusewireError => {
    failure = new FusewireError(`${what}, ${LOST}`, { cause });
    void helpers.stop();
    return failure;
  };
  const requireSound = (): void => {
    if (disposed) throw new FusewireError(DISPOSED);
    if (failure) throw failure;
  };
  const addStates = (decls: readonly StateDecl[]): WasmStates => {
    if (disposed) throw new FusewireError(DISPOSED);
    const states = createStates(heap, decls, (gone) => allStates.delete(gone));
    allStates.add(states);
    return states;
  };
  const runKernels = ({ table, tableEnd, entry }: WasmExecutable, place: number): boolean => {
    try {
      return kernels.run(table, tableEnd, place, helpers.control) !== 0;
    } catch (cause) {
      throw fail(`the wasm engine failed in the middle of '${entry}' (${String(cause)})`, cause);
    }
  };
  const run: Engine["run"] = async (given, states, inputs) => {
    const executable = given as WasmExecutable;
    requireSound();
    const place = scratch.require(executable);
    bind(heap.memory, executable, states as WasmStates, inputs, place.slots);
    helpers.prepare(place.threads, executable.threadBytes);
    if (!runKernels(executable, place.threads))
      throw fail("a thread of the wasm engine stopped in the middle of a step");
    return readOutputs(heap.memory, executable);
  };
  const threadsReason = (): string | undefined => {
    const why = reason ?? helpers.failure();
    return why === undefined ? undefined : `${helpers.count()} of ${wanted} threads: ${why}`;
  };
  const traits = {
    name: "wasm",
    claims,
    attention: ["flash_attention", "efficient_attention"],
    memory: { alignment: 4, readWriteSameBuffer: true },
  } as const;
  return {
    ...traits,
    get threads() {
      return helpers.count();
    },
    get threadsReason() {
      return threadsReason();
    },
    threadsSettled: () => helpers.settled(),
    get notice() {
      return threadsReason();
    },
    simd: compiled.variant,
    sizesOf: (lowered) => entrySizes(lowered, traits, threads),
    createWeights(source) {
      const weights = createWeights(heap, kernels, source, (gone) => allWeights.delete(gone));
      allWeights.add(weights);
      return weights;
    },
    createStates: addStates,
    async groupScales(scales, source) {
      requireSound();
      return { type: scales.type, data: await scalesOf(heap, kernels, source, scales) };
    },
    async compile(lowered, weights) {
      requireSound();
      checkWeights(weights);
      const given = weights as WasmWeights;
      const executable = await compileEntry(heap, scratch, traits, lowered, given, (gone) => {
        executables.delete(gone);
        if (executables.size === 0) scratch.release();
      });
      executables.add(executable);
      return executable;
    },
    run,
    runAhead: 0,
    runTimes: repeated(run),
    async copyStates(states, decls) {
      requireSound();
      const copy = addStates(decls);
      try {
        copyInto(heap, states as WasmStates, copy);
      } catch (error) {
        copy.dispose();
        throw error;
      }
      return copy;
    },
    async readState(states, name) {
      requireSound();
      return readState(heap, states as WasmStates, name);
    },
    held() {
      const states = [...allStates].reduce((sum, { decls }) => sum + decls.length, 0);
      const weights = [...allWeights].reduce((sum, { addresses }) => sum + addresses.size, 0);
      return { bytes: disposed ? 0 : heap.held() - own, tensors: states + weights };
    },
    async dispose() {
      if (disposed) return;
      disposed = true;
      for (const part of [...executables, ...allStates, ...allWeights]) part.dispose();
      const large = heap.memory.buffer.byteLength >= WORTH_COLLECTING;
      const ended = helpers.stop();
      heap.drop();
      kernels.drop();
      await ended;
      if (large) collectGarbage();
    },
  };
}

/** A memory that may grow to as much as the host grants: phones and old browsers reserve less than 4 GiB. */
function openMemory(shared: boolean): { readonly memory: WebAssembly.Memory; readonly largest: number } {
  for (let pages = MOST_PAGES; ; pages /= 2)
    try {
      const memory = new WebAssembly.Memory({ initial: 16, maximum: pages, shared });
      return { memory, largest: pages * PAGE };
    } catch (cause) {
      if (pages <= FEWEST_PAGES)
        throw new FusewireError(`the host gives no WebAssembly memory: ${String(cause)}`, { cause });
    }
}
