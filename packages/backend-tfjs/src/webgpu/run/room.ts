/** Whether a program fits, said before any of it is allocated: the plan knows all bytes. */
import { type StateDecl, sameType } from "@fusewire/ir";
import type { Program } from "@fusewire/passes";
import { SMALLER, WebGpuError } from "../device/errors.ts";
import { storedBytes } from "../wgsl/storage.ts";
import type { Workshop } from "./executable.ts";
import { bytesOfStates } from "./states.ts";
import { type GpuWeights, missingBytes, type WeightName } from "./weights.ts";

/** What compiling a program needs beside the program itself. */
export interface Wanted {
  readonly weights: GpuWeights;
  readonly names: readonly WeightName[];
  readonly states: readonly StateDecl[];
  /** Sizes of what lives for the time of a step. */
  readonly scratch: readonly number[];
}

/** Throws unless the weights that are missing, a cache where none is there yet, and scratch memory fit together. */
export function checkProgramFits(
  { memory, scratch, states: live }: Workshop,
  program: Program,
  { weights, names, states, scratch: sizes }: Wanted,
): void {
  checkBindings(program, memory.largestBinding);
  const inputs = program.buffers.reduce((sum, { kind, bytes }) => sum + (kind === "input" ? bytes : 0), 0);
  const hasCache = [...live].some(({ decls }) => states.every((decl) => includes(decls, decl)));
  memory.checkRoom(`program '${program.entry}'`, {
    weights: missingBytes(weights, memory, names),
    states: hasCache ? 0 : bytesOfStates(states),
    scratch: scratch.missing(sizes) + inputs,
  });
}

const includes = (decls: readonly StateDecl[], { name, type }: StateDecl): boolean =>
  decls.some((other) => other.name === name && sameType(other.type, type));

/** Throws where a step reads or writes a tensor that no binding holds. */
function checkBindings({ steps, buffers }: Program, largest: number): void {
  for (const { kernel, reads, write } of steps)
    for (const { type, buffer } of [...reads, write])
      if (storedBytes(type) > largest) {
        const { kind, name } = buffers[buffer]!;
        const what = kind === "slot" ? `a result of ${kernel}` : `${kind} ${name}`;
        throw new WebGpuError(
          "limit",
          `${what} takes ${storedBytes(type)} bytes, and the adapter binds at most ${largest}; ${SMALLER}`,
          storedBytes(type),
        );
      }
}
