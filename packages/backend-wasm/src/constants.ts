/** What an entry reads that is known before it runs. */
import {
  bytesOf,
  defOf,
  type Node,
  type OpName,
  rootsOf,
  sizeOf,
  topological,
  toValue,
  type Value,
} from "@fusewire/ir";
import type { Lowered, Program, ProgramBuffer, Step } from "@fusewire/passes";

/** A program in which no step is without inputs, and the values of its constants by buffer. */
export interface ConstantProgram {
  readonly program: Program;
  readonly values: ReadonlyMap<number, Value>;
}

/** The leaves that an entry reads, by kind and name as buffers carry them. */
export function leavesOf({ entry }: Lowered): Map<string, Node> {
  const leaves = topological(rootsOf(entry)).filter((node) => defOf(node).leaf);
  return new Map(
    leaves.map((node) => [`${node.op} ${(node.attrs as { readonly name: string }).name}`, node] as const),
  );
}

/** Evaluates constants, and tables such as `iota`: their step becomes a copy of one more constant. */
export function evaluateConstants(program: Program): ConstantProgram {
  const values = new Map<number, Value>();
  for (const [index, buffer] of program.buffers.entries()) {
    if (buffer.kind !== "constant") continue;
    const [first = 0] = buffer.values;
    const uniform = new Array<number>(sizeOf(buffer.type.shape)).fill(first);
    values.set(index, toValue(buffer.type, buffer.values.length === 1 ? uniform : buffer.values));
  }
  const buffers: ProgramBuffer[] = [...program.buffers];
  const steps = program.steps.map((step): Step => {
    if (step.reads.length > 0) return step;
    const { type } = step.write;
    const value = defOf({ op: step.kernel as OpName }).evaluate!([], step.attrs, type);
    const index =
      buffers.push({ kind: "constant", name: step.kernel, bytes: bytesOf(type), type, values: [] }) - 1;
    values.set(index, value);
    return { ...step, kernel: "copy", reads: [{ buffer: index, offset: 0, type }], attrs: {} };
  });
  return { program: { ...program, buffers, steps }, values };
}
