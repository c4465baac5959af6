/** For tests alone: an engine of this package beside the interpreter, with an eye on tensors that tfjs holds. */
import type { Module, Node, Tracer } from "@fusewire/ir";
import type { Engine, LowerOptions } from "@fusewire/passes";
import { expectAgreement as agree, kernelModule, MEDDLING, TOLERANCE } from "@fusewire/passes/testing";
import { memory } from "@tensorflow/tfjs-core";

export { computeWith, TOLERANCE, type Values } from "@fusewire/passes/testing";

/** Throws unless the engine computes what the interpreter does, entry by entry, and leaves no tensor behind. */
export const expectAgreement = (
  engine: Engine,
  module: Module,
  seed: number,
  options: LowerOptions & { tolerance?: number } = {},
): Promise<void> =>
  agree(engine, module, seed, {
    ...options,
    // WebGPU keeps buffers for the next run.
    held: () => (engine.name === "webgpu" ? 0 : memory().numTensors),
  });

/** The same for one expression over the tracer's leaves. Float params lie in tfjs, so that its kernels run. */
export const expectKernel = (
  engine: Engine,
  build: (tracer: Tracer) => Node,
  seed: number,
  tolerance = TOLERANCE,
): Promise<void> => expectAgreement(engine, kernelModule(build), seed, { tolerance, disable: MEDDLING });
