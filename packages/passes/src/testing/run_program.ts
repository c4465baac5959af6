/** For tests: runs programs on host memory, each buffer an ArrayBuffer, kernels by the op table's own evaluation. */
import { defOf, emptyValue, type OpName, sizeOf, type TensorType, type Value, view } from "@fusewire/ir";
import type { Program, ProgramBuffer, Ref } from "../plan/program.ts";

/** Values of the leaves that a program reads, by kind and name. */
export interface ProgramLeaves {
  readonly param: (name: string) => Value;
  readonly prepared: (name: string) => Value;
  readonly input: (name: string) => Value;
}

/** A program with its memory: states keep their values from run to run. */
export class ProgramRunner {
  readonly #program: Program;
  readonly #memory: readonly ArrayBuffer[];

  constructor(program: Program) {
    this.#program = program;
    this.#memory = program.buffers.map(({ bytes }) => new ArrayBuffer(bytes));
  }

  /** Runs one step and returns its outputs. */
  run(leaves: ProgramLeaves): Map<string, Value> {
    for (const [index, buffer] of this.#program.buffers.entries()) this.#fill(index, buffer, leaves);
    for (const { kernel, reads, write, attrs } of this.#program.steps) {
      const inputs = reads.map((ref) => this.#read(ref));
      const result = kernel === "copy" ? inputs[0]! : evaluateKernel(kernel, inputs, attrs, write.type);
      this.#view(write).set(result.data);
    }
    return new Map(Object.entries(this.#program.outputs).map(([name, ref]) => [name, this.#read(ref)]));
  }

  readState(name: string, type: TensorType): Value {
    return this.#read({ buffer: this.#stateIndex(name), offset: 0, type });
  }

  writeState(name: string, value: Value): void {
    this.#view({ buffer: this.#stateIndex(name), offset: 0, type: value.type }).set(value.data);
  }

  #stateIndex(name: string): number {
    const index = this.#program.buffers.findIndex((b) => b.kind === "state" && b.name === name);
    if (index < 0) throw new Error(`the program has no state '${name}'`);
    return index;
  }

  #fill(index: number, buffer: ProgramBuffer, leaves: ProgramLeaves): void {
    const bytes = new Uint8Array(this.#memory[index]!);
    const write = ({ data }: Value) =>
      bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    if (buffer.kind === "state") return;
    // What is left in a slot from the last run must not matter: 0xff is NaN in floats.
    bytes.fill(0xff);
    if (buffer.kind === "slot") return;
    write(
      buffer.kind === "constant"
        ? evaluateKernel("constant", [], { values: buffer.values }, buffer.type)
        : leaves[buffer.kind](buffer.name),
    );
  }

  #read(ref: Ref): Value {
    const value = emptyValue(ref.type);
    value.data.set(this.#view(ref));
    return value;
  }

  #view({ buffer, offset, type }: Ref) {
    return view(type.dtype, this.#memory[buffer]!, offset, sizeOf(type.shape));
  }
}

function evaluateKernel(kernel: string, inputs: readonly Value[], attrs: object, type: TensorType): Value {
  const { evaluate } = defOf({ op: kernel as OpName });
  if (!evaluate) throw new Error(`${kernel} cannot be evaluated`);
  return evaluate(inputs, attrs, type);
}
