import { type AdapterFacts, type AdapterOptions, factsOf, findAdapter, LIMITS } from "./adapter.ts";
import { SMALLER, WebGpuError } from "./errors.ts";
import { nudged } from "./nudge.ts";
import { createPipelines, type Pipelines } from "./pipelines.ts";
import { NO_SUBGROUPS, probeSubgroups, type Subgroups } from "./subgroups.ts";

export type DeviceOptions = AdapterOptions;

/** A device that is open, and what of it all engines on it share. */
export interface OpenDevice {
  /** Kept because in Node the device dies with it. */
  readonly gpu: GPU;
  readonly device: GPUDevice;
  readonly adapter: GPUAdapterInfo;
  readonly facts: AdapterFacts;
  /** Tried when the device was opened. */
  readonly subgroups: Subgroups;
  readonly pipelines: Pipelines;
  /** Why the device is gone, or undefined while it works. */
  fault(): WebGpuError | undefined;
  /** Throws what went wrong. Having been full is told once, for the device works on; other faults end it. */
  check(): void;
  /** Waits for a piece of work; where the device was lost meanwhile, that is the error. */
  finish<T>(work: Promise<T>): Promise<T>;
  /** The same for what the GPU computes: results are awaited here alone. */
  arrive<T>(work: Promise<T>): Promise<T>;
  /** The device that takes this one's place, opened with the same options: one for all who ask. This one is closed. */
  reopen(): Promise<OpenDevice>;
  /** Closes it, and what took its place. */
  dispose(): void;
}

const FEATURES = ["shader-f16", "subgroups", "timestamp-query", "bgra8unorm-storage"] as const;

/** Opens a device with what the adapter offers of the features and limits that kernels can use. */
export async function openDevice(options: DeviceOptions = {}): Promise<OpenDevice> {
  const found = await findAdapter(options);
  if ("refused" in found)
    throw new WebGpuError("no-adapter", `${found.refused}; use another device, such as wasm`);
  const { platform, adapter } = found;
  const requiredLimits = Object.fromEntries(LIMITS.map((name) => [name, adapter.limits[name]]));
  const requiredFeatures = FEATURES.filter((feature) => adapter.features.has(feature));
  const device = await adapter.requestDevice({ requiredFeatures, requiredLimits });
  platform.watch(device);
  const arrive = <T>(work: Promise<T>) => (platform.nudge ? nudged(device.queue, work) : work);
  const subgroups = device.features.has("subgroups")
    ? await probeSubgroups(device, adapter.info.subgroupMinSize || 1, arrive)
    : NO_SUBGROUPS;
  return watched(platform.gpu, device, adapter, { options, subgroups, arrive });
}

interface Opened extends Pick<OpenDevice, "subgroups" | "arrive"> {
  readonly options: DeviceOptions;
}

function watched(
  gpu: GPU,
  device: GPUDevice,
  adapter: GPUAdapter,
  { options, subgroups, arrive }: Opened,
): OpenDevice {
  let fault: WebGpuError | undefined;
  let next: Promise<OpenDevice> | undefined;
  const lost = device.lost.then(({ reason, message }) => {
    fault = new WebGpuError(
      "lost",
      `the WebGPU device is gone (${message || reason}); await model.restore(), or load the model again`,
    );
    return fault;
  });
  device.addEventListener("uncapturederror", (event) => {
    const { error } = event as GPUUncapturedErrorEvent;
    // Told by the next call: the platform need not print it.
    event.preventDefault();
    // What is refused after the memory ran out is a consequence of that.
    fault ??= describe(error);
  });
  const finish: OpenDevice["finish"] = (work) =>
    work.catch(async (error: unknown) => {
      // The promise of the loss may settle a little after those of the work that it ended.
      const later = new Promise((resolve) => setTimeout(resolve, 100));
      await Promise.race([lost, later]);
      throw fault ?? error;
    });
  return {
    gpu,
    device,
    adapter: adapter.info,
    pipelines: createPipelines(device),
    facts: factsOf(adapter, device.features),
    subgroups,
    fault: () => fault,
    check() {
      const found = fault;
      if (found?.fault === "out-of-memory") fault = undefined;
      if (found) throw found;
    },
    finish,
    arrive: (work) => finish(arrive(work)),
    reopen() {
      device.destroy();
      next ??= openDevice(options);
      // An adapter that is not there yet may be there later.
      next.catch(() => {
        next = undefined;
      });
      return next;
    },
    dispose() {
      device.destroy();
      next?.then((device) => device.dispose()).catch(() => undefined);
    },
  };
}

const describe = (error: GPUError): WebGpuError =>
  error.constructor.name === "GPUOutOfMemoryError"
    ? new WebGpuError("out-of-memory", `the GPU has no more memory (${error.message}); ${SMALLER}`)
    : new WebGpuError("refused", `WebGPU refused what the engine asked for: ${error.message}`);
