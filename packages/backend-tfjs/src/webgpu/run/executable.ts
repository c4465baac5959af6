import type { StateDecl, TensorType } from "@fusewire/ir";
import type { Executable, Program } from "@fusewire/passes";
import type { OpenDevice } from "../device/open_device.ts";
import type { NamedVariant } from "../kernels/kernel.ts";
import type { Memory } from "./memory.ts";
import type { Order } from "./order.ts";
import type { Packed } from "./packed.ts";
import type { ReadBack } from "./read_back.ts";
import type { Recorded, Recording } from "./record.ts";
import type { ScratchPool } from "./scratch_pool.ts";
import type { GpuStates } from "./states.ts";
import type { GpuWeights } from "./weights.ts";

/** What an engine has on one device, which its executables share. After a loss it gets another one. */
export interface Workshop {
  readonly device: OpenDevice;
  readonly memory: Memory;
  readonly scratch: ScratchPool;
  readonly readBack: ReadBack;
  readonly order: Order;
  /** What is compiled from now on is cut in this way. */
  variant: NamedVariant;
  /** Bind groups made and submits sent so far. */
  readonly counts: { bindGroups: number; submits: number };
  /** Caches and other states that are in use. */
  readonly states: Set<GpuStates>;
  readonly executables: Set<GpuExecutable>;
}

/** A launch with its memory: all that encoding a step needs. */
export interface BoundLaunch {
  readonly pipeline: GPUComputePipeline;
  readonly group: GPUBindGroup;
  readonly groups: Recorded["groups"];
}

export interface GpuExecutable extends Executable {
  readonly workshop: Workshop;
  readonly program: Program;
  readonly weights: GpuWeights;
  readonly states: readonly StateDecl[];
  readonly recording: Recording;
  /** By index of the program's buffers; undefined for states. */
  readonly buffers: readonly (GPUBuffer | undefined)[];
  /** Offsets of constants inside their buffer, which is the same for all. */
  readonly constantAt: ReadonlyMap<number, number>;
  readonly handover: readonly GPUBuffer[];
  /** Results of steps that the host computed. */
  readonly extra: Packed;
  /** Of each launch. */
  readonly sizes: Packed;
  readonly inputs: ReadonlyMap<string, { readonly type: TensorType; readonly buffer: GPUBuffer }>;
  /** The bytes that each input buffer holds. */
  readonly written: Map<string, Uint8Array>;
  readonly bound: WeakMap<GpuStates, readonly BoundLaunch[]>;
  disposed: boolean;
}
