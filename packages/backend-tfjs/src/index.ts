export { createEagerEngine, type EagerOptions, type WasmPaths } from "./eager/index.ts";
export type { AdapterFacts } from "./webgpu/device/adapter.ts";
export { type GpuFault, WebGpuError } from "./webgpu/device/errors.ts";
export { type DeviceOptions, type OpenDevice, openDevice } from "./webgpu/device/open_device.ts";
export type { Subgroups } from "./webgpu/device/subgroups.ts";
export {
  createWebGpuEngine,
  type WebGpuCounts,
  type WebGpuEngine,
  type WebGpuOptions,
  webGpuTraits,
} from "./webgpu/engine.ts";
export { testVariants } from "./webgpu/self_test.ts";
