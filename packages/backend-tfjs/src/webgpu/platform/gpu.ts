/** WebGPU as a platform offers it. */
export interface Gpu {
  readonly gpu: GPU;
  /** Tells the platform of a device, so that the process can end while the device is at work. */
  readonly watch: (device: GPUDevice) => void;
  /** Whether the platform must be nudged to look whether the GPU is done. */
  readonly nudge: boolean;
}

/** There is no WebGPU to be had, or no adapter in it. */
export interface NoGpu {
  readonly missing: "webgpu" | "adapter";
  /** Why, and where it can be mended, how. */
  readonly refused: string;
}

export interface GpuOptions {
  /** Options of Dawn, for Node alone, such as `backend=null`; browsers ignore them. */
  readonly dawn?: readonly string[];
}
