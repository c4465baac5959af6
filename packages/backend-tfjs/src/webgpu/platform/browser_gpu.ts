import type { Gpu, GpuOptions, NoGpu } from "./gpu.ts";

/** The browser's own WebGPU. */
export async function openGpu(_options?: GpuOptions): Promise<Gpu | NoGpu> {
  const gpu = typeof navigator === "undefined" ? undefined : (navigator.gpu as GPU | undefined);
  return gpu
    ? { gpu, watch: () => undefined, nudge: isGecko(navigator.userAgent) }
    : { missing: "webgpu", refused: "this browser has no WebGPU (navigator.gpu)" };
}

/** Nothing else tells Firefox from browsers that need no nudge; those are merely "like Gecko". */
export const isGecko = (userAgent: string): boolean => /\bGecko\/\d/.test(userAgent);

/** A browser tells of its GPUs by its adapters alone. */
export const noGpuInSight = (): string | undefined => undefined;

export const NO_ADAPTER =
  "WebGPU found no adapter: the browser needs a GPU that it does not block (chrome://gpu tells which it does)";
