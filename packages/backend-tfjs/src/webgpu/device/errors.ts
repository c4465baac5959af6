import { FusewireError } from "@fusewire/ir";

/** What went wrong: `limit` is more than the adapter takes; `refused` is a defect of Fusewire, which ends the engine. */
export type GpuFault = "no-adapter" | "lost" | "out-of-memory" | "limit" | "refused";

/** An error of the WebGPU device that a program can tell apart and act on. */
export class WebGpuError extends FusewireError {
  readonly fault: GpuFault;
  /** Of what was too large: the bytes it takes. */
  readonly bytes: number | undefined;

  constructor(fault: GpuFault, message: string, bytes?: number) {
    super(message);
    this.fault = fault;
    this.bytes = bytes;
  }
}

/** What makes a model smaller. */
export const SMALLER =
  "keep the weights in fewer bits (dtype 'q4'), or take a shorter max_length or a smaller batch";

export const WENT_WITH_DEVICE = "went with a WebGPU device that was lost";
