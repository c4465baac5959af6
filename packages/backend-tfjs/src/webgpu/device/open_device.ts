import { openGpu } from "#gpu";
import type { GpuOptions } from "../platform/gpu.ts";
import { WebGpuError } from "./errors.ts";
import { createPipelines, type Pipelines } from "./pipelines.ts";

/** What kernels and users may know of an adapter. */
export interface AdapterFacts {
  readonly vendor: string;
  readonly architecture: string;
  readonly description: string;
  /** Runs on the CPU: correct and slow, and barriers in workgroups cost more than what they save. */
  readonly software: boolean;
  readonly features: readonly string[];
  readonly limits: Readonly<Record<LimitName, number>>;
}

/** A device that is open, and what of it all engines on it share. */
export interface OpenDevice {
  /** Kept because in Node the device dies with it. */
  readonly gpu: GPU;
  readonly device: GPUDevice;
  readonly adapter: GPUAdapterInfo;
  readonly facts: AdapterFacts;
  readonly pipelines: Pipelines;
  /** Why the device is gone, or undefined while it works. */
  fault(): WebGpuError | undefined;
  /** Waits for a piece of work; where the device was lost meanwhile, that is the error. */
  finish<T>(work: Promise<T>): Promise<T>;
  dispose(): void;
}

export interface DeviceOptions extends GpuOptions {
  readonly powerPreference?: GPUPowerPreference;
}

const FEATURES = ["shader-f16", "subgroups", "timestamp-query", "bgra8unorm-storage"] as const;

/** Raised to what the adapter has: the defaults allow bindings of 128 MB, less than an embedding often takes. */
const LIMITS = [
  "maxBufferSize",
  "maxStorageBufferBindingSize",
  "maxComputeWorkgroupStorageSize",
  "maxComputeInvocationsPerWorkgroup",
  "maxComputeWorkgroupSizeX",
  "maxComputeWorkgroupSizeY",
  "maxComputeWorkgroupsPerDimension",
] as const;
type LimitName = (typeof LIMITS)[number];

/** Opens a device with what the adapter offers of the features and limits that kernels can use. */
export async function openDevice(options: DeviceOptions = {}): Promise<OpenDevice> {
  const platform = await openGpu(options);
  if (!platform)
    throw new WebGpuError("no-adapter", "this system has no WebGPU; use another device, such as eager:wasm");
  const { powerPreference = "high-performance" } = options;
  const adapter = await platform.gpu.requestAdapter({ powerPreference });
  if (!adapter)
    throw new WebGpuError(
      "no-adapter",
      "WebGPU found no adapter: the machine needs a GPU with a current driver; use another device, such as eager:wasm",
    );
  const requiredLimits = Object.fromEntries(LIMITS.map((name) => [name, adapter.limits[name]]));
  const requiredFeatures = FEATURES.filter((feature) => adapter.features.has(feature));
  const device = await adapter.requestDevice({ requiredFeatures, requiredLimits });
  platform.watch(device);
  return watched(platform.gpu, device, adapter, requiredLimits as Record<LimitName, number>);
}

function watched(
  gpu: GPU,
  device: GPUDevice,
  adapter: GPUAdapter,
  limits: Readonly<Record<LimitName, number>>,
): OpenDevice {
  let fault: WebGpuError | undefined;
  const lost = device.lost.then(({ reason, message }) => {
    fault = new WebGpuError("lost", `the WebGPU device is gone (${message || reason}); load the model again`);
    return fault;
  });
  device.addEventListener("uncapturederror", (event) => {
    const { error } = event as GPUUncapturedErrorEvent;
    fault ??= describe(error);
  });
  const { info } = adapter;
  const software = info.isFallbackAdapter || /swiftshader|llvmpipe|lavapipe|basic render/i.test(nameOf(info));
  return {
    gpu,
    device,
    adapter: info,
    pipelines: createPipelines(device),
    facts: {
      vendor: info.vendor,
      architecture: info.architecture,
      description: info.description,
      software,
      features: [...device.features],
      limits,
    },
    fault: () => fault,
    finish: (work) =>
      work.catch(async (error: unknown) => {
        // The promise of the loss may settle a little after those of the work that it ended.
        const later = new Promise((resolve) => setTimeout(resolve, 100));
        await Promise.race([lost, later]);
        throw fault ?? error;
      }),
    dispose: () => device.destroy(),
  };
}

const describe = (error: GPUError): WebGpuError =>
  error.constructor.name === "GPUOutOfMemoryError"
    ? new WebGpuError(
        "out-of-memory",
        `the GPU has no more memory (${error.message}); use a smaller model or cache`,
      )
    : new WebGpuError("refused", `WebGPU refused what the engine asked for: ${error.message}`);

const nameOf = ({ vendor, architecture, description, device }: GPUAdapterInfo): string =>
  [vendor, architecture, device, description].join(" ");
