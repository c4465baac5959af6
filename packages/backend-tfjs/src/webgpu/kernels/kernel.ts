import type { OpAttrs, OpName } from "@fusewire/ir";
import type { Plan, Step } from "../wgsl/launch.ts";

/** How kernels are cut for an adapter; chosen once, so that one row is always computed in one order. */
export interface Variant {
  /** Threads that work on one line of a reduction together: 1, or a power of two. */
  readonly lanes: number;
  /** Neighbouring threads that join by exchanging values, a power of two no larger than a subgroup; 1 is none. */
  readonly shuffles: number;
  /** How chunks of prompts are multiplied: in tiles that pass through workgroup memory, or line by line. */
  readonly chunks: "tiles" | "lines";
  /** Bytes of memory that the threads of a workgroup share. */
  readonly memory: number;
  /** Whether the language has an instruction for products of four bytes. */
  readonly dot4: boolean;
}

export interface NamedVariant extends Variant {
  readonly name: string;
}

/** Writes the launches of one step. */
export type Kernel<K extends OpName> = (step: Step<OpAttrs[K]>, variant: Variant) => Plan;

/** The same seen from code that treats several ops alike. */
export type KernelOf<Attrs> = (step: Step<Attrs>, variant: Variant) => Plan;

export type KernelTable = { readonly [K in OpName]?: Kernel<K> };
