/** Quantizes weights while they are read: by rows, from the checkpoint's words straight into the tiles. */
import { castValue, FusewireError, type NodeOf, type Value } from "@fusewire/ir";
import { evaluatePrepared, type WeightSource } from "@fusewire/passes";
import type { Heap } from "./heap.ts";
import type { Kernels } from "./kernels.ts";
import { piecesOf, readPieces } from "./pieces.ts";
import { sumsOffset, type Tiling } from "./tiles.ts";

/** Bytes of a weight that lie beside their tiles at once. */
const STAGE = 1 << 18;

const rowsAtOnce = (rowBytes: number): number => Math.max(1, Math.floor(STAGE / rowBytes));

/** What lies beside the tiles while rows of so many elements are quantized: some rows, their scales, and two groups. */
export function stageBytes(width: number, group: number, elementBytes: number): number {
  const bytes = width * elementBytes;
  return rowsAtOnce(bytes) * (bytes + 4 * (width / group)) + 4 * group + 256;
}

/** Where a part of a quantized matrix goes. */
export interface Target {
  /** The codes' tiles; undefined when only the scales are wanted. */
  readonly codes?: { readonly tiling: Tiling; readonly address: number } | undefined;
  /** Row of the matrix that the part begins with. */
  readonly first: number;
  /** Throws when the weights were disposed meanwhile. */
  readonly check: () => void;
}

/** The scales alone, row by row. */
export const scalesOf = (
  heap: Heap,
  kernels: Kernels,
  source: WeightSource,
  part: NodeOf<"group_scales">,
): Promise<Float32Array> => quantizePart(heap, kernels, source, part, { first: 0, check() {} });

/** Quantizes the rows that `part` has scales of, writes their codes, and returns the scales, row by row. */
export async function quantizePart(
  heap: Heap,
  kernels: Kernels,
  source: WeightSource,
  part: NodeOf<"group_scales">,
  target: Target,
): Promise<Float32Array> {
  const x = part.inputs[0]!;
  const [rows, width] = x.type.shape as readonly [number, number];
  const scales = new Float32Array((rows * width) / part.attrs.layout.group);
  let row = 0;
  const write = (value: Value): void => {
    target.check();
    quantizeRows(heap, kernels, part, target, value, width, row, scales);
    row += value.data.length / width;
  };
  const pieces = piecesOf(x);
  if (pieces?.every(({ size }) => size % width === 0)) await readPieces(source, pieces, write);
  else write(await evaluatePrepared(x, source));
  if (row !== rows) throw new FusewireError(`a quantized weight has ${row} rows, not ${rows}`);
  return scales;
}

function quantizeRows(
  heap: Heap,
  kernels: Kernels,
  {
    attrs: {
      layout: { group, bits },
      search,
    },
  }: NodeOf<"group_scales">,
  { codes, first }: Target,
  value: Value,
  width: number,
  start: number,
  scales: Float32Array,
): void {
  const narrow = value.type.dtype === "bf16";
  const { data } = narrow ? value : castValue(value, "f32");
  const bytes = width * data.BYTES_PER_ELEMENT;
  const most = rowsAtOnce(bytes);
  const [groups, rows] = [width / group, data.length / width];
  const stage = heap.allocate(stageBytes(width, group, data.BYTES_PER_ELEMENT));
  const [found, buffer] = [stage + most * bytes, stage + most * (bytes + 4 * groups)];
  const sums = codes ? codes.address + sumsOffset(codes.tiling) : 0;
  try {
    for (let row = 0; row < rows; row += most) {
      const count = Math.min(most, rows - row);
      const from = new Uint8Array(data.buffer, data.byteOffset + row * bytes, count * bytes);
      new Uint8Array(heap.memory.buffer, stage, from.length).set(from);
      const at = first + start + row;
      kernels.quantizeWeight(
        ...([stage, Number(narrow), count, width, group, bits, Number(search)] as const),
        ...([at, codes?.address ?? 0, sums, found, buffer] as const),
      );
      scales.set(new Float32Array(heap.memory.buffer, found, count * groups), (start + row) * groups);
    }
  } finally {
    heap.free(stage);
  }
}
