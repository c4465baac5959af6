/** Weights of 4 bits, which are i8 in the graph: packed by twos in a byte while they are uploaded. */
import type { Value } from "@fusewire/ir";
import { isPackedCodes, type Lowered, type Program, type Ref, type Step } from "@fusewire/passes";
import type { StoredType } from "../wgsl/storage.ts";

const takesNibbles = ({ kernel, attrs }: Step, side: number): boolean =>
  kernel === "gather"
    ? side === 0 && (attrs as { readonly batch: number }).batch === 0
    : kernel === "quantized_matmul" && side === 2;

/** The program with its 4-bit weights as packed, where all that read them take them so. */
export function withNibbles(program: Program, { prepare }: Lowered): Program {
  const packed = new Set(
    program.buffers.flatMap(({ kind, name }, k) => {
      const node = kind === "prepared" ? prepare.get(name) : undefined;
      const taken = program.steps.every((step) =>
        step.reads.every(
          (read, side) => read.buffer !== k || (read.offset === 0 && takesNibbles(step, side)),
        ),
      );
      return node && isPackedCodes(node) && taken ? [k] : [];
    }),
  );
  for (const { buffer } of Object.values(program.outputs)) packed.delete(buffer);
  if (packed.size === 0) return program;
  const stored = (ref: Ref): Ref =>
    packed.has(ref.buffer) ? { ...ref, type: { ...ref.type, packed: "nibbles" } as StoredType } : ref;
  return {
    ...program,
    buffers: program.buffers.map((buffer, k) =>
      packed.has(k) ? { ...buffer, bytes: Math.ceil(buffer.bytes / 2) } : buffer,
    ),
    steps: program.steps.map((step) => ({ ...step, reads: step.reads.map(stored) })),
  };
}

/** The names of prepared weights that a program reads as packed. */
export const packedWeights = ({ buffers, steps }: Program): ReadonlySet<string> =>
  new Set(
    steps.flatMap(({ reads }) =>
      reads.flatMap(({ buffer, type }) => ((type as StoredType).packed ? [buffers[buffer]!.name] : [])),
    ),
  );

/** Codes as `StoredType` has them. */
export function packNibbles({ data }: Value): Uint8Array {
  const packed = new Uint8Array(data.length / 2);
  for (let word = 0; word < packed.length / 4; word++)
    for (let k = 0; k < 4; k++)
      packed[4 * word + k] = (data[8 * word + k]! & 15) | ((data[8 * word + k + 4]! & 15) << 4);
  return packed;
}
