import type { Gpu, GpuOptions } from "../webgpu/platform/gpu.ts";

/** Dawn through the npm package `webgpu`; undefined where it has no binary for this system. */
export async function openGpu({ dawn = [] }: GpuOptions = {}): Promise<Gpu | undefined> {
  const { create } = await import("webgpu").catch(() => ({ create: undefined }));
  return create && { gpu: create([...dawn]) as GPU, watch: destroyAtExit };
}

/** A process that exits while Dawn works crashes (exit code 139) unless the device is destroyed first. */
function destroyAtExit(device: GPUDevice): void {
  const destroy = () => device.destroy();
  process.once("exit", destroy);
  device.lost.then(() => process.off("exit", destroy));
}
