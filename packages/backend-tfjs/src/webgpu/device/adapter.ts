/** Adapters, before a device is opened on one. This file and what it imports leave TensorFlow.js unloaded. */
import { NO_ADAPTER, openGpu } from "#gpu";
import type { Gpu, GpuOptions, NoGpu } from "../platform/gpu.ts";

export { noGpuInSight } from "#gpu";
export type { NoGpu } from "../platform/gpu.ts";

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

/** Raised to what the adapter has: the defaults allow bindings of 128 MB, less than an embedding often takes. */
export const LIMITS = [
  "maxBufferSize",
  "maxStorageBufferBindingSize",
  "maxComputeWorkgroupStorageSize",
  "maxComputeInvocationsPerWorkgroup",
  "maxComputeWorkgroupSizeX",
  "maxComputeWorkgroupSizeY",
  "maxComputeWorkgroupsPerDimension",
] as const;
export type LimitName = (typeof LIMITS)[number];

export interface AdapterOptions extends GpuOptions {
  readonly powerPreference?: "high-performance" | "low-power";
}

export interface FoundAdapter {
  readonly platform: Gpu;
  readonly adapter: GPUAdapter;
  readonly facts: AdapterFacts;
}

/** Asks the system for an adapter. Where there is none, the reason names what to do. */
export async function findAdapter(options: AdapterOptions = {}): Promise<FoundAdapter | NoGpu> {
  const platform = await openGpu(options);
  if ("refused" in platform) return platform;
  const { powerPreference = "high-performance" } = options;
  const adapter = await platform.gpu.requestAdapter({ powerPreference });
  if (!adapter) return { missing: "adapter", refused: NO_ADAPTER };
  return { platform, adapter, facts: factsOf(adapter, adapter.features) };
}

/** Every adapter that the system tells of, each once; or why there is none. */
export async function listAdapters(): Promise<readonly AdapterFacts[] | NoGpu> {
  const asked = await Promise.all(
    (["high-performance", "low-power"] as const).map((powerPreference) => findAdapter({ powerPreference })),
  );
  const found = asked.flatMap((one) => ("refused" in one ? [] : [one.facts]));
  const distinct = new Map(found.map((facts) => [JSON.stringify(facts), facts]));
  const [first] = asked;
  return distinct.size === 0 && first && "refused" in first ? first : [...distinct.values()];
}

/** The facts of an adapter, with the features that a device on it has or could have. */
export const factsOf = ({ info, limits }: GPUAdapter, features: Iterable<string>): AdapterFacts => ({
  vendor: info.vendor,
  architecture: info.architecture,
  description: info.description,
  software: isSoftware(info),
  features: [...features],
  limits: Object.fromEntries(LIMITS.map((name) => [name, limits[name]])) as Record<LimitName, number>,
});

/** Names of drivers that compute on the CPU: SwiftShader, Mesa's, Microsoft's. Dawn calls every such adapter a fallback. */
const SOFTWARE = /swiftshader|llvmpipe|lavapipe|softpipe|basic render|\bwarp\b|\bcpu\b/i;

type AdapterNames = Pick<
  GPUAdapterInfo,
  "vendor" | "architecture" | "device" | "description" | "isFallbackAdapter"
>;

export const isSoftware = ({ vendor, architecture, device, description, isFallbackAdapter }: AdapterNames) =>
  isFallbackAdapter || SOFTWARE.test([vendor, architecture, device, description].join(" "));
