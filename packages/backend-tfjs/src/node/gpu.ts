import type { Gpu, GpuOptions, NoGpu } from "../webgpu/platform/gpu.ts";
import { noVulkanLoader } from "./gpu_files.ts";

export { noGpuInSight } from "./gpu_files.ts";

/** Dawn through the npm package `webgpu`, which an install may leave out, and which has binaries for some systems. */
export async function openGpu({ dawn = [] }: GpuOptions = {}): Promise<Gpu | NoGpu> {
  try {
    const { create } = await import("webgpu");
    // Another backend of Dawn needs no Vulkan.
    const refused = dawn.some((option) => option.startsWith("backend=")) ? undefined : noVulkanLoader();
    if (refused !== undefined) return { missing: "adapter", refused: `${refused} (${SOFTWARE})` };
    return { gpu: create([...dawn]) as GPU, watch: destroyAtExit, nudge: false };
  } catch (error) {
    return { missing: "webgpu", refused: refusal(error) };
  }
}

function refusal(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return code === "ERR_MODULE_NOT_FOUND" && message.includes("'webgpu'")
    ? "the npm package 'webgpu' is not installed (npm install webgpu)"
    : `the npm package 'webgpu' does not load on ${process.platform} ${process.arch} (${message})`;
}

const SOFTWARE =
  "to try without a GPU, install @sparticuz/chromium and start Node in the environment that softwareAdapter of " +
  "@fusewire/backend-tfjs/node gives";

export const NO_ADAPTER = `WebGPU found no adapter: the machine needs a GPU with a current driver (${SOFTWARE})`;

/** A process that exits while Dawn works crashes (exit code 139) unless the device is destroyed first. */
function destroyAtExit(device: GPUDevice): void {
  const destroy = () => device.destroy();
  process.once("exit", destroy);
  device.lost.then(() => process.off("exit", destroy));
}
