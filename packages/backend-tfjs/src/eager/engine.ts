import { OPS, type StateDecl } from "@fusewire/ir";
import { checkWeights, type Engine, type Held, repeated } from "@fusewire/passes";
import { openBackend } from "./backend.ts";
import { compileEntry, type EagerExecutable, heldByExecutable } from "./executable.ts";
import { KERNELS } from "./kernels/index.ts";
import type { EagerOptions } from "./options.ts";
import { runEntry } from "./run.ts";
import { copyInto, createStates, type EagerStates, heldByStates, readState } from "./states.ts";
import { createWeights, type EagerWeights, heldByWeights } from "./weights.ts";

/** What `createEagerEngine` loads, with TensorFlow.js. */
export async function openEagerEngine(backendName: string, options: EagerOptions): Promise<Engine> {
  const device = await openBackend(backendName, options);
  const allWeights = new Set<EagerWeights>();
  const allStates = new Set<EagerStates>();
  const executables = new Set<EagerExecutable>();
  const run: Engine["run"] = (executable, states, inputs) =>
    runEntry(device, executable as EagerExecutable, states as EagerStates, inputs);
  const addStates = (decls: readonly StateDecl[]): EagerStates => {
    const states = device.use(() => createStates(decls, (gone) => allStates.delete(gone)));
    allStates.add(states);
    return states;
  };
  return {
    name: `eager:${backendName}`,
    attention: [],
    // What has no expansion is a core op: without a kernel it is evaluated on the host.
    claims: (op) => KERNELS[op] !== undefined || OPS[op].expand === undefined,
    memory: { alignment: 4, readWriteSameBuffer: true },
    createWeights(source) {
      const weights = createWeights(source, (gone) => allWeights.delete(gone));
      allWeights.add(weights);
      return weights;
    },
    createStates: addStates,
    async compile(lowered, weights) {
      checkWeights(weights);
      const executable = await compileEntry(device, lowered, weights as EagerWeights, (gone) =>
        executables.delete(gone),
      );
      executables.add(executable);
      return executable;
    },
    run,
    runAhead: 0,
    runTimes: repeated(run),
    async copyStates(states, decls) {
      const copy = addStates(decls);
      try {
        await copyInto(states as EagerStates, copy, (body) => device.use(body));
      } catch (error) {
        copy.dispose();
        throw error;
      }
      return copy;
    },
    readState: (states, name) => readState(states as EagerStates, name),
    held() {
      const parts: Held[] = [
        ...[...allWeights].map(heldByWeights),
        ...[...allStates].map(heldByStates),
        ...[...executables].map(heldByExecutable),
      ];
      return parts.reduce(
        (sum, { bytes, tensors }) => ({ bytes: sum.bytes + bytes, tensors: sum.tensors + tensors }),
        { bytes: 0, tensors: 0 },
      );
    },
    dispose() {
      for (const part of [...executables, ...allStates, ...allWeights]) part.dispose();
    },
  };
}
