import type { Gpu, GpuOptions } from "./gpu.ts";

/** The browser's own WebGPU; undefined where it has none. */
export async function openGpu(_options?: GpuOptions): Promise<Gpu | undefined> {
  const gpu = typeof navigator === "undefined" ? undefined : (navigator.gpu as GPU | undefined);
  return gpu && { gpu, watch: () => undefined };
}
