import { FusewireError, type StateDecl } from "@fusewire/ir";
import { type Engine, repeated } from "@fusewire/passes";
import type { Variant } from "#platform";
import { claims } from "./encode/index.ts";
import { compileEntry, type WasmExecutable } from "./executable.ts";
import { createHeap } from "./heap.ts";
import { instantiate, loadKernels } from "./kernels.ts";
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
  /** Threads it was started with. */
  readonly threads: number;
  /** Why it has fewer threads than asked for. */
  readonly threadsReason: string | undefined;
  /** Which SIMD the kernels use. */
  readonly simd: Variant;
}

const PAGES = 65536;

const LOST =
  "a thread of the wasm engine stopped in the middle of a step, so the states are not to be trusted; create the engine anew";

/** The engine "wasm": compiled SIMD kernels over one WebAssembly memory, on the CPU. */
export async function createWasmEngine(options: WasmOptions = {}): Promise<WasmEngine> {
  const { relaxed = true } = options;
  const { threads, reason } = chooseThreads(options.threads);
  const memory = openMemory(threads > 1);
  const compiled = await loadKernels(relaxed, threads > 1);
  const kernels = await instantiate(compiled, memory);
  const heap = createHeap(memory, kernels.heapBase(), options.max_memory);
  const helpers = startHelpers(heap, compiled, threads);
  const own = heap.held();
  const scratch = createScratch(heap);
  const allWeights = new Set<WasmWeights>();
  const allStates = new Set<WasmStates>();
  const executables = new Set<WasmExecutable>();
  let lost = false;
  const addStates = (decls: readonly StateDecl[]): WasmStates => {
    const states = createStates(heap, decls, (gone) => allStates.delete(gone));
    allStates.add(states);
    return states;
  };
  const run: Engine["run"] = async (given, states, inputs) => {
    const executable = given as WasmExecutable;
    if (lost) throw new FusewireError(LOST);
    const place = scratch.require(executable, threads);
    bind(memory, executable, states as WasmStates, inputs, place.slots);
    helpers.prepare(place.threads, executable.threadBytes);
    if (kernels.run(executable.table, executable.tableEnd, place.threads, helpers.control) === 0) {
      lost = true;
      throw new FusewireError(LOST);
    }
    return readOutputs(memory, executable);
  };
  const traits = {
    name: "wasm",
    claims,
    attention: ["flash_attention", "efficient_attention"],
    memory: { alignment: 4, readWriteSameBuffer: true },
  } as const;
  return {
    ...traits,
    threads,
    threadsReason: reason,
    simd: compiled.variant,
    createWeights(source) {
      const weights = createWeights(heap, kernels, source, (gone) => allWeights.delete(gone));
      allWeights.add(weights);
      return weights;
    },
    createStates: addStates,
    async compile(lowered, weights) {
      const executable = await compileEntry(heap, traits, lowered, weights as WasmWeights, (gone) => {
        executables.delete(gone);
        scratch.release(executables);
      });
      executables.add(executable);
      // Now rather than at the first run, so that running takes no memory.
      scratch.require(executable, threads);
      return executable;
    },
    run,
    runAhead: 0,
    runTimes: repeated(run),
    async copyStates(states, decls) {
      const copy = addStates(decls);
      copyInto(heap, states as WasmStates, copy);
      return copy;
    },
    readState: async (states, name) => readState(heap, states as WasmStates, name),
    held() {
      const states = [...allStates].reduce((sum, { decls }) => sum + decls.length, 0);
      const weights = [...allWeights].reduce((sum, { addresses }) => sum + addresses.size, 0);
      return { bytes: heap.held() - own, tensors: states + weights };
    },
    dispose() {
      for (const part of [...executables, ...allStates, ...allWeights]) part.dispose();
      helpers.stop();
    },
  };
}

function openMemory(shared: boolean): WebAssembly.Memory {
  try {
    return new WebAssembly.Memory({ initial: 16, maximum: PAGES, shared });
  } catch (cause) {
    throw new FusewireError(`the host gives no WebAssembly memory: ${String(cause)}`);
  }
}
