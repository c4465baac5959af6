/** Weights that need no arithmetic to prepare: pieces of the checkpoint, one after another. */
import { type DType, FusewireError, formatType, isFloat, type Node, sizeOf, type Value } from "@fusewire/ir";
import type { Program, Step, WeightSource } from "@fusewire/passes";

/** One weight of the checkpoint, whole. */
export interface Piece {
  readonly name: string;
  readonly dtype: DType;
  readonly size: number;
}

/**
 * The weights whose elements, in order, are the elements of `node`, but for casts between float types; undefined when
 * it is anything else.
 */
export function piecesOf(node: Node): readonly Piece[] | undefined {
  switch (node.op) {
    case "param":
      return [{ name: node.attrs.name, dtype: node.type.dtype, size: sizeOf(node.type.shape) }];
    case "reshape":
      return piecesOf(node.inputs[0]!);
    case "cast":
      return isFloat(node.type.dtype) && isFloat(node.inputs[0]!.type.dtype)
        ? castOnce(piecesOf(node.inputs[0]!), node)
        : undefined;
    case "concat": {
      if (sizeOf(node.type.shape.slice(0, node.attrs.axis)) !== 1) return undefined;
      const parts = node.inputs.map(piecesOf);
      return parts.every((part) => part !== undefined) ? parts.flat() : undefined;
    }
    default:
      return undefined;
  }
}

/** Reads one piece after another, so that no more than one is held outside the memory. */
export async function readPieces(
  source: WeightSource,
  pieces: readonly Piece[],
  write: (value: Value) => void,
): Promise<void> {
  for (const { name, dtype, size } of pieces) {
    const value = await source(name);
    if (value.type.dtype !== dtype || value.data.length !== size)
      throw new FusewireError(
        `weight '${name}' is ${formatType(value.type)}, not ${size} elements of ${dtype}`,
      );
    write(value);
  }
}

/** Pieces that reach `node` by one cast; another before it may have rounded them. */
const castOnce = (pieces: readonly Piece[] | undefined, node: Node): readonly Piece[] | undefined =>
  pieces?.every(({ dtype }) => dtype === node.inputs[0]!.type.dtype) ? pieces : undefined;

/**
 * Whether f32 weights may be kept as the bf16 words they come from: every piece is bf16, and whatever reads them widens
 * them as it goes, which is exact and halves the bytes of each step.
 */
export function mayStayNarrow(node: Node, buffer: number, { steps, outputs }: Program): boolean {
  if (node.type.dtype !== "f32" || !piecesOf(node)?.every(({ dtype }) => dtype === "bf16")) return false;
  if (Object.values(outputs).some((output) => output.buffer === buffer)) return false;
  return steps.every((step) =>
    step.reads.every((read, position) => read.buffer !== buffer || widens(step, position)),
  );
}

function widens({ kernel, reads, attrs }: Step, position: number): boolean {
  if (kernel === "gather") return position === 0;
  if (kernel === "linear" || kernel === "gated_linear") return position === 1;
  const { transposeB } = attrs as { readonly transposeB?: boolean };
  return kernel === "matmul" && position === 1 && transposeB === true && reads[1]!.type.shape.length === 2;
}
