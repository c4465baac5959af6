/**
 * Weights larger than a binding of the adapter: products and lookups read them a part at a time, in a launch for each
 * part, which computes the columns (or fills in the rows) that its part holds. Sums stay whole, so no bit changes.
 */
import type { OpAttrs } from "@fusewire/ir";
import type { Program, Ref, Step } from "@fusewire/passes";
import { type StoredType, storedBytes } from "../wgsl/storage.ts";
import { ALIGNMENT } from "./packed.ts";

/** Which reads of a step are cut by rows, the first of them the matrix; and whether it holds gate and up rows. */
interface Cut {
  readonly sides: readonly number[];
  readonly gated: boolean;
}

function cutOf({ kernel, reads, attrs }: Step): Cut | undefined {
  switch (kernel) {
    case "gather":
      return (attrs as OpAttrs["gather"]).batch === 0 ? { sides: [0], gated: false } : undefined;
    case "matmul":
      return (attrs as OpAttrs["matmul"]).transposeB && reads[1]!.type.shape.length === 2
        ? { sides: [1], gated: false }
        : undefined;
    case "linear":
      return { sides: [1], gated: false };
    case "gated_linear":
      return { sides: [1], gated: true };
    case "dense": {
      const { norm, gated } = attrs as OpAttrs["dense"];
      return { sides: [norm === "layer" ? 3 : norm === "rms" ? 2 : 1], gated };
    }
    case "quantized_matmul":
      // The scales of a part's groups go with it.
      return { sides: [2, 3], gated: (attrs as OpAttrs["quantized_matmul"]).gated };
    default:
      return undefined;
  }
}

const rowBytes = (type: StoredType): number => storedBytes(type) / type.shape[0]!;

const gcd = (a: number, b: number): number => (b === 0 ? a : gcd(b, a % b));

/** Columns of each part: as many as a binding holds, so that every part begins where a binding may. 0: not to be cut. */
function columnsOfPart(types: readonly StoredType[], gated: boolean, largest: number): number {
  const steps = types.map((type) => ALIGNMENT / gcd(ALIGNMENT, rowBytes(type)));
  const unit = Math.max(...steps);
  const widest = Math.max(...types.map(rowBytes)) * (gated ? 2 : 1);
  return Math.floor(largest / widest / unit) * unit;
}

/** The program with steps on large weights cut in parts; those that cannot be cut stay as they are. */
export function withParts(program: Program, largest: number): Program {
  if (program.buffers.every(({ bytes }) => bytes <= largest)) return program;
  const isWeight = ({ buffer, offset }: Ref) =>
    offset === 0 && ["param", "prepared"].includes(program.buffers[buffer]!.kind);
  /** Gate and up rows of a part lie together, which all that read the weight must know. */
  const gatedAlike = ({ buffer }: Ref) =>
    program.steps.every((step) => {
      const { sides = [], gated } = cutOf(step) ?? {};
      return step.reads.every((read, k) => read.buffer !== buffer || (gated && sides.includes(k)));
    });
  const cut = (step: Step): readonly Step[] => {
    const { sides, gated } = cutOf(step) ?? { sides: [], gated: false };
    const matrices = sides.map((side) => step.reads[side]!);
    const large = matrices.some(({ type }) => storedBytes(type) > largest);
    if (!large || !matrices.every(isWeight) || (gated && !matrices.every(gatedAlike))) return [step];
    const columns = columnsOfPart(
      matrices.map(({ type }) => type),
      gated,
      largest,
    );
    return columns === 0 ? [step] : partsOf(step, { sides, gated }, columns);
  };
  return { ...program, steps: program.steps.flatMap(cut) };
}

function partsOf(step: Step, { sides, gated }: Cut, columns: number): Step[] {
  const halves = gated ? 2 : 1;
  const total = step.reads[sides[0]!]!.type.shape[0]! / halves;
  return Array.from({ length: Math.ceil(total / columns) }, (_, p) => {
    const first = p * columns;
    const rows = Math.min(columns, total - first) * halves;
    const reads = step.reads.map((read, k): Ref => {
      if (!sides.includes(k)) return read;
      const type: StoredType = {
        ...read.type,
        shape: [rows, ...read.type.shape.slice(1)],
        part: { first, of: total },
        ...(gated && { halves: columns }),
      };
      return { ...read, offset: first * halves * rowBytes(read.type), type };
    });
    return { ...step, reads };
  });
}

/** Columns of a part, of the weights whose gate and up rows lie together in each part. */
export const halvedWeights = ({ buffers, steps }: Program): ReadonlyMap<string, number> =>
  new Map(
    steps.flatMap(({ reads }) =>
      reads.flatMap(({ buffer, type }) => {
        const { halves } = type as StoredType;
        return halves ? [[buffers[buffer]!.name, halves] as const] : [];
      }),
    ),
  );

/** The bytes of a matrix of gate rows and as many up rows, with those of each part together. */
export function joinHalves(data: ArrayBufferView, rows: number, columns: number): Uint8Array {
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  const [row, half] = [bytes.length / rows, rows / 2];
  const joined = new Uint8Array(bytes.length);
  let to = 0;
  for (let first = 0; first < half; first += columns)
    for (const start of [first, half + first]) {
      const piece = bytes.subarray(start * row, (start + Math.min(columns, half - first)) * row);
      joined.set(piece, to);
      to += piece.length;
    }
  return joined;
}
