import { FusewireError } from "@fusewire/ir";
import type { Engine } from "@fusewire/passes";
import { claims } from "./encode/index.ts";
import { compileEntry, type WasmExecutable } from "./executable.ts";
import { createHeap } from "./heap.ts";
import { instantiate, loadKernels } from "./kernels.ts";
import { bind, readOutputs } from "./run.ts";
import { createScratch } from "./scratch.ts";
import { createStates, readState, type WasmStates } from "./states.ts";
import { createWeights, type WasmWeights } from "./weights.ts";

export interface WasmOptions {
  /** Whether to use relaxed SIMD where the host has it; true unless given. */
  readonly relaxed?: boolean;
}

const PAGES = 65536;

/** The engine "wasm": compiled SIMD kernels over one WebAssembly memory, on the CPU. */
export async function createWasmEngine({ relaxed = true }: WasmOptions = {}): Promise<Engine> {
  const memory = openMemory();
  const kernels = await instantiate(await loadKernels(relaxed, false), memory);
  const heap = createHeap(memory, kernels.heapBase());
  const scratch = createScratch(heap);
  const allWeights = new Set<WasmWeights>();
  const allStates = new Set<WasmStates>();
  const executables = new Set<WasmExecutable>();
  const traits = { name: "wasm", claims, memory: { alignment: 4, readWriteSameBuffer: true } } as const;
  return {
    ...traits,
    createWeights(source) {
      const weights = createWeights(heap, source, (gone) => allWeights.delete(gone));
      allWeights.add(weights);
      return weights;
    },
    createStates(decls) {
      const states = createStates(heap, decls, (gone) => allStates.delete(gone));
      allStates.add(states);
      return states;
    },
    async compile(lowered, weights) {
      const executable = await compileEntry(heap, traits, lowered, weights as WasmWeights, (gone) => {
        executables.delete(gone);
        scratch.release(executables);
      });
      executables.add(executable);
      // Now rather than at the first run, so that running takes no memory.
      scratch.require(executable, 1);
      return executable;
    },
    async run(given, states, inputs) {
      const executable = given as WasmExecutable;
      const { slots, threads } = scratch.require(executable, 1);
      bind(memory, executable, states as WasmStates, inputs, slots);
      kernels.run(executable.table, executable.tableEnd, threads);
      return readOutputs(memory, executable);
    },
    readState: async (states, name) => readState(heap, states as WasmStates, name),
    held() {
      const states = [...allStates].reduce((sum, { decls }) => sum + decls.length, 0);
      const weights = [...allWeights].reduce((sum, { addresses }) => sum + addresses.size, 0);
      return { bytes: heap.held(), tensors: states + weights };
    },
    dispose() {
      for (const part of [...executables, ...allStates, ...allWeights]) part.dispose();
    },
  };
}

function openMemory(): WebAssembly.Memory {
  try {
    return new WebAssembly.Memory({ initial: 16, maximum: PAGES });
  } catch (cause) {
    throw new FusewireError(`the host gives no WebAssembly memory: ${String(cause)}`);
  }
}
