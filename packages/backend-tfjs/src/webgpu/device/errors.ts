import { FusewireError } from "@fusewire/ir";

/** What went wrong: `limit` is more than the adapter takes; `refused` is a defect of Fusewire, which ends the engine. */
export type GpuFault = "no-adapter" | "lost" | "out-of-memory" | "limit" | "refused";

/** An error of the WebGPU device that a program can tell apart and act on. */
export class WebGpuError extends FusewireError {
  readonly fault: GpuFault;

  constructor(fault: GpuFault, message: string) {
    super(message);
    this.fault = fault;
  }
}
