import { isIntegers, type Layout, OPS, type OpName, type StateDecl, type Value } from "@fusewire/ir";
import {
  checkStates,
  checkWeights,
  type Engine,
  type EngineTraits,
  type EngineVariants,
} from "@fusewire/passes";
import { type DeviceOptions, type OpenDevice, openDevice } from "./device/open_device.ts";
import { KERNELS } from "./kernels/index.ts";
import type { NamedVariant, Variant } from "./kernels/kernel.ts";
import { compileEntry } from "./run/compile.ts";
import type { GpuExecutable, Workshop } from "./run/executable.ts";
import { createMemory, type MemoryLimits } from "./run/memory.ts";
import { createOrder } from "./run/order.ts";
import { ALIGNMENT } from "./run/packed.ts";
import { createReadBack } from "./run/read_back.ts";
import { runSteps } from "./run/run.ts";
import { createScratchPool } from "./run/scratch_pool.ts";
import { checkHome, copyInto, createStates, type GpuStates, stateBuffer } from "./run/states.ts";
import { createWeights, type GpuWeights, type Prepare } from "./run/weights.ts";
import { variantNamed, variantsFor } from "./variant.ts";

export interface WebGpuOptions extends DeviceOptions, MemoryLimits {
  /** A device that is open already, which the engine shares and leaves open. */
  readonly device?: OpenDevice;
  /** Computes values from weights elsewhere than on this thread: quantizing takes long. */
  readonly prepare?: Prepare | undefined;
  /** Kernels cut otherwise than the adapter suggests, for tests; there is nothing to choose from then. */
  readonly variant?: Partial<Variant>;
}

/** What the engine has made on its device so far; after warm-up neither number grows. */
export interface WebGpuCounts {
  readonly pipelines: number;
  readonly bindGroups: number;
}

/** The engine `webgpu`: programs replayed as recorded launches on one device. */
export interface WebGpuEngine extends Engine {
  /** Another one after `restore`, where one was lost. */
  readonly device: OpenDevice;
  readonly variant: NamedVariant;
  readonly variants: EngineVariants;
  counts(): WebGpuCounts;
  /** Runs handed to the device so far, however many steps each. */
  submits(): number;
  restore(): Promise<void>;
}

export const webGpuTraits: EngineTraits = {
  name: "webgpu",
  attention: ["flash_attention", "efficient_attention"],
  claims: (op: OpName, layout?: Layout) =>
    (KERNELS[op] !== undefined || OPS[op].expand === undefined) &&
    (op !== "dequantize" || (layout !== undefined && isIntegers(layout))),
  memory: { alignment: ALIGNMENT, readWriteSameBuffer: false },
};

/** The ways in which an engine may cut its kernels. */
function choicesOf(device: OpenDevice, { variant }: WebGpuOptions): readonly NamedVariant[] {
  const variants = variantsFor(device);
  return variant ? [{ ...variants[0]!, name: "given", ...variant }] : variants;
}

/** What the engine has on a device. */
function openWorkshop(device: OpenDevice, options: WebGpuOptions, variant: NamedVariant): Workshop {
  const memory = createMemory(device, options);
  return {
    device,
    memory,
    readBack: createReadBack(device, memory),
    order: createOrder(),
    variant,
    scratch: createScratchPool(memory),
    states: new Set(),
    executables: new Set(),
    counts: { bindGroups: 0, submits: 0 },
  };
}

/** Opens a device, unless one is given, and makes the engine on it. */
export async function createWebGpuEngine(options: WebGpuOptions = {}): Promise<WebGpuEngine> {
  const opened = options.device ?? (await openDevice(options));
  let variants = choicesOf(opened, options);
  let shop = openWorkshop(opened, options, variants[0]!);
  let restoring: Promise<void> | undefined;

  function makeStates(decls: readonly StateDecl[]): GpuStates {
    const { memory, states: live } = shop;
    const states = createStates(decls, memory, () => live.delete(states));
    live.add(states);
    return states;
  }

  /** Ends what lived on the lost device; weights and programs come again when they are asked for. */
  async function restore(): Promise<void> {
    if (!shop.device.fault()) return;
    const device = await shop.device.reopen();
    shop.memory.lose();
    // It need not be the same adapter.
    variants = choicesOf(device, options);
    const same = variants.find(({ name }) => name === shop.variant.name);
    shop = openWorkshop(device, options, same ?? variants[0]!);
  }

  const runTimes: WebGpuEngine["runTimes"] = (executable, states, inputs, times) =>
    runSteps(shop, executable as GpuExecutable, states as GpuStates, inputs, times);
  return {
    ...webGpuTraits,
    variants: {
      get names() {
        return variants.map(({ name }) => name);
      },
      current: () => shop.variant.name,
      use(name) {
        shop.variant = variantNamed(variants, name);
      },
    },
    get device() {
      return shop.device;
    },
    get variant() {
      return shop.variant;
    },
    counts: () => ({ pipelines: shop.device.pipelines.built, bindGroups: shop.counts.bindGroups }),
    submits: () => shop.counts.submits,
    createWeights: (source) => createWeights(source, shop.memory, options.prepare),
    createStates: makeStates,
    async compile(lowered, weights) {
      const { device } = shop;
      device.check();
      checkWeights(weights);
      return device.finish(compileEntry(shop, webGpuTraits, lowered, weights as GpuWeights));
    },
    async run(executable, states, inputs) {
      const [outputs] = await runTimes(executable, states, inputs, 1);
      return outputs!;
    },
    runAhead: 1,
    runTimes,
    async copyStates(states, decls) {
      const { device, memory, order } = shop;
      device.check();
      const from = states as GpuStates;
      checkHome(from, memory);
      checkStates(from);
      const copy = makeStates(decls);
      try {
        await order.enqueue([from.checked, copy.checked], () => copyInto(device.device, from, copy));
      } catch (error) {
        copy.dispose();
        throw error;
      }
      return copy;
    },
    async readState(states, name): Promise<Value> {
      const { device, memory, order, readBack } = shop;
      device.check();
      const from = states as GpuStates;
      checkHome(from, memory);
      const { type } = states.decls.find((decl) => decl.name === name) ?? {};
      const staging = readBack.open([{ type: type!, buffer: stateBuffer(from, name), offset: 0 }], 1);
      try {
        await order.enqueue([from.checked, staging.checked], () => {
          checkStates(from, name);
          const encoder = device.device.createCommandEncoder();
          staging.encode(encoder, 0);
          device.device.queue.submit([encoder.finish()]);
        });
      } catch (error) {
        staging.drop();
        throw error;
      }
      return (await staging.finish())[0]![0]!;
    },
    held: () => shop.memory.held(),
    restore() {
      restoring ??= restore().finally(() => {
        restoring = undefined;
      });
      return restoring;
    },
    dispose() {
      for (const part of [...shop.executables, ...shop.states]) part.dispose();
      shop.memory.freeAll();
      if (!options.device) shop.device.dispose();
    },
  };
}
