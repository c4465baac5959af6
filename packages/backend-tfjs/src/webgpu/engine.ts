import { OPS, type OpName, type Value } from "@fusewire/ir";
import type { Engine, EngineTraits } from "@fusewire/passes";
import { type DeviceOptions, type OpenDevice, openDevice } from "./device/open_device.ts";
import { KERNELS } from "./kernels/index.ts";
import type { Variant } from "./kernels/kernel.ts";
import { compileEntry } from "./run/compile.ts";
import type { GpuExecutable, Workshop } from "./run/executable.ts";
import { createMemory } from "./run/memory.ts";
import { ALIGNMENT } from "./run/packed.ts";
import { createReadBack } from "./run/read_back.ts";
import { runSteps } from "./run/run.ts";
import { createScratchPool } from "./run/scratch_pool.ts";
import { copyInto, createStates, type GpuStates, stateBuffer } from "./run/states.ts";
import { createWeights, type GpuWeights } from "./run/weights.ts";
import { variantFor } from "./variant.ts";

export interface WebGpuOptions extends DeviceOptions {
  /** A device that is open already, which the engine shares and leaves open. */
  readonly device?: OpenDevice;
  /** Bytes that the engine may hold on the device. */
  readonly max_memory?: number;
  /** Kernels cut otherwise than the adapter suggests; for tests and for tuning. */
  readonly variant?: Partial<Variant>;
}

/** What the engine has made so far; after warm-up neither number grows. */
export interface WebGpuCounts {
  readonly pipelines: number;
  readonly bindGroups: number;
}

/** The engine `webgpu`: programs replayed as recorded launches on one device. */
export interface WebGpuEngine extends Engine {
  readonly device: OpenDevice;
  readonly variant: Variant;
  counts(): WebGpuCounts;
}

export const webGpuTraits: EngineTraits = {
  name: "webgpu",
  attention: ["flash_attention", "efficient_attention"],
  claims: (op: OpName) => KERNELS[op] !== undefined || OPS[op].expand === undefined,
  memory: { alignment: ALIGNMENT, readWriteSameBuffer: false },
};

/** Opens a device, unless one is given, and makes the engine on it. */
export async function createWebGpuEngine(options: WebGpuOptions = {}): Promise<WebGpuEngine> {
  const device = options.device ?? (await openDevice(options));
  const memory = createMemory(device, options.max_memory);
  const readBack = createReadBack(device, memory);
  const variant: Variant = { ...variantFor(device), ...options.variant };
  const workshop: Workshop = {
    device,
    memory,
    variant,
    scratch: createScratchPool(memory),
    counts: { bindGroups: 0 },
  };
  const executables = new Set<GpuExecutable>();
  const runTimes: WebGpuEngine["runTimes"] = (executable, states, inputs, times) =>
    runSteps(workshop, readBack, executable as GpuExecutable, states as GpuStates, inputs, times);
  return {
    ...webGpuTraits,
    device,
    variant,
    counts: () => ({ pipelines: device.pipelines.built, bindGroups: workshop.counts.bindGroups }),
    createWeights: (source) => createWeights(source, memory),
    createStates: (decls) => createStates(decls, memory),
    async compile(lowered, weights) {
      const executable = await device.finish(
        compileEntry(workshop, webGpuTraits, lowered, weights as GpuWeights, (gone) =>
          executables.delete(gone),
        ),
      );
      executables.add(executable);
      return executable;
    },
    async run(executable, states, inputs) {
      const [outputs] = await runTimes(executable, states, inputs, 1);
      return outputs!;
    },
    runAhead: 1,
    runTimes,
    async copyStates(states, decls) {
      const copy = createStates(decls, memory);
      copyInto(device.device, states as GpuStates, copy);
      return copy;
    },
    async readState(states, name): Promise<Value> {
      const { type } = states.decls.find((decl) => decl.name === name) ?? {};
      const buffer = stateBuffer(states as GpuStates, name);
      const encoder = device.device.createCommandEncoder();
      const staging = readBack.open([{ type: type!, buffer, offset: 0 }], 1);
      staging.encode(encoder, 0);
      device.device.queue.submit([encoder.finish()]);
      return (await staging.finish())[0]![0]!;
    },
    held: () => memory.held(),
    dispose() {
      for (const executable of [...executables]) executable.dispose();
      memory.freeAll();
      if (!options.device) device.dispose();
    },
  };
}
