import type { TensorType } from "@fusewire/ir";
import type { RowClass } from "@fusewire/passes";
import type { StoredType } from "./storage.ts";

/** Memory that a launch binds: an input of the step by its index, its result, or scratch memory of the step. */
export type Memory =
  | { readonly kind: "read"; readonly index: number }
  | { readonly kind: "write" }
  | { readonly kind: "scratch"; readonly index: number };

export interface Binding {
  readonly memory: Memory;
  readonly access: "read" | "read_write";
}

/** One dispatch, apart from the buffers it runs on. Equal code is one pipeline. */
export interface Launch {
  readonly code: string;
  readonly bindings: readonly Binding[];
  /** The uniform buffer at the binding after the last one; empty where the code has none. */
  readonly sizes: readonly number[];
  readonly groups: readonly [x: number, y: number, z: number];
}

/** What a kernel is written for: one step of a program. */
export interface Step<Attrs = object> {
  readonly reads: readonly StoredType[];
  readonly write: TensorType;
  readonly attrs: Attrs;
  /** The class of work that the program is. */
  readonly rows: RowClass;
}

/** How a step runs: its launches in order, and the bytes of each scratch memory they hand things over in. */
export interface Plan {
  readonly launches: readonly Launch[];
  readonly scratch?: readonly number[];
}
