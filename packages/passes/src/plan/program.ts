import { formatAttrs, formatType, type TensorType } from "@fusewire/ir";
import type { RowClass } from "../engine/lowered.ts";
import type { StateCopy } from "./state_updates.ts";

/** Memory that a program works on. */
export type ProgramBuffer = {
  readonly name: string;
  readonly bytes: number;
} & (
  | { readonly kind: "param" | "prepared" | "state" | "input" }
  /** One value fills the tensor. */
  | { readonly kind: "constant"; readonly type: TensorType; readonly values: readonly number[] }
  /** Scratch memory, reused by values whose lifetimes do not overlap. */
  | { readonly kind: "slot" }
);

/** A tensor inside a buffer. */
export interface Ref {
  readonly buffer: number;
  readonly offset: number;
  readonly type: TensorType;
}

/** One launch. A kernel that works in place has its written buffer among the ones it reads. */
export interface Step {
  readonly kernel: string;
  readonly reads: readonly Ref[];
  readonly write: Ref;
  readonly attrs: object;
  readonly layer: string | undefined;
}

/** What an engine that replays runs: plain data, printable and comparable. */
export interface Program {
  readonly entry: string;
  readonly rows: RowClass;
  readonly buffers: readonly ProgramBuffer[];
  readonly steps: readonly Step[];
  readonly outputs: Readonly<Record<string, Ref>>;
  /** The copies among the steps that states cost. */
  readonly copies: readonly StateCopy[];
}

/** Bytes of scratch memory: known before anything is allocated. */
export const scratchBytes = (program: Program): number =>
  program.buffers.reduce((sum, buffer) => sum + (buffer.kind === "slot" ? buffer.bytes : 0), 0);

/** Launches of each numbered layer such as `model.layers.0` or `transformer.h.0`, and of everything outside them under "". */
export function launchesPerLayer(program: Program): Map<string, number> {
  const launches = new Map<string, number>();
  for (const { layer } of program.steps) {
    const block = /^.*?\.\d+(?=\.|$)/.exec(layer ?? "")?.[0] ?? "";
    launches.set(block, (launches.get(block) ?? 0) + 1);
  }
  return launches;
}

/** The program as text, for snapshots and `inspect`. */
export function printProgram(program: Program): string {
  const ref = ({ buffer, offset, type }: Ref): string => {
    const { name } = program.buffers[buffer]!;
    return `${name}${offset > 0 ? `+${offset}` : ""}:${formatType(type)}`;
  };
  const lines = program.steps.map(({ kernel, reads, write, attrs, layer }) => {
    const where = layer === undefined ? "" : `  @${layer}`;
    return `  ${ref(write)} = ${kernel}(${reads.map(ref).join(", ")})${formatAttrs(attrs)}${where}`;
  });
  const outputs = Object.entries(program.outputs).map(
    ([name, output]) => `  return ${name} = ${ref(output)}`,
  );
  const held = program.buffers
    .filter(({ kind }) => kind === "state" || kind === "slot")
    .map(({ kind, name, bytes }) => `  ${kind} ${name}: ${bytes} bytes`);
  const copies = program.copies.map(({ state, what, why }) => `  copies the ${what} of ${state}: ${why}`);
  return [
    `program ${program.entry}: ${program.rows === "chunk" ? "a chunk, " : ""}${program.steps.length} launches`,
    ...held,
    ...copies,
    ...lines,
    ...outputs,
    "",
  ].join("\n");
}
