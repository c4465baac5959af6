/** Quantized weights as the kernels want them: tiles of 16 rows; see `kernels/quantized.ts`. */
import { isNode, type Node, type Value } from "@fusewire/ir";
import type { Program, Step } from "@fusewire/passes";

const ROWS = 16;

/** A quantized matrix, or the scales of one, with what decides how it is tiled. */
export interface Tiling {
  readonly kind: "codes" | "scales";
  readonly bits: number;
  readonly group: number;
  readonly rows: number;
  /** Elements of a row: codes, or scales. */
  readonly width: number;
  /** Rows of the matrix, one part after another, each computed by itself. */
  readonly parts: readonly Node[];
}

/** The tiling of a prepared value; undefined when it is not a quantized matrix. */
export function tilingOf(node: Node): Tiling | undefined {
  const parts = isNode(node, "concat") && node.attrs.axis === 0 ? node.inputs : [node];
  const [first] = parts;
  if (node.type.shape.length !== 2 || !first) return undefined;
  if (!isNode(first, "quantize_rows") && !isNode(first, "group_scales")) return undefined;
  const { bits, group } = first.attrs;
  const alike = parts.every(
    (part) =>
      part.op === first.op &&
      (part.attrs as typeof first.attrs).bits === bits &&
      (part.attrs as typeof first.attrs).group === group,
  );
  const [rows, width] = node.type.shape as readonly [number, number];
  if (!alike || group % 8 !== 0 || (bits !== 8 && bits !== 4)) return undefined;
  return { kind: first.op === "quantize_rows" ? "codes" : "scales", bits, group, rows, width, parts };
}

/** Whether whatever reads the buffer knows tiles. */
export const readsTiles = (buffer: number, { steps, outputs }: Program): boolean =>
  Object.values(outputs).every((output) => output.buffer !== buffer) &&
  steps.every((step) =>
    step.reads.every((read, side) => read.buffer !== buffer || (read.offset === 0 && knowsTiles(step, side))),
  );

function knowsTiles({ kernel, attrs }: Step, side: number): boolean {
  if (kernel === "gather") return side === 0 && (attrs as { readonly batch: number }).batch === 0;
  return kernel === "quantized_matmul" && (side === 2 || side === 3);
}

const tilesOf = ({ rows }: Tiling): number => Math.ceil(rows / ROWS);

/** Bytes of the tiles; behind codes of 8 bits come the negated sums of their groups, as 16-bit integers. */
export function tiledBytes(tiling: Tiling): number {
  const { kind, bits, group, width } = tiling;
  const elements = tilesOf(tiling) * ROWS * width;
  if (kind === "scales") return 4 * elements;
  return bits === 8 ? elements + (2 * elements) / group : elements / 2;
}

/** Writes the rows of one part, from row `first` on, into the tiles at `address`; the memory there was cleared before. */
export function writeTiles(
  buffer: ArrayBufferLike,
  address: number,
  tiling: Tiling,
  first: number,
  value: Value,
): void {
  if (tiling.kind === "scales") writeScales(buffer, address, tiling.width, first, value);
  else if (tiling.bits === 8) writeBytes(buffer, address, tiling, first, value);
  else writeNibbles(buffer, address, tiling.width, first, value);
}

function writeScales(
  buffer: ArrayBufferLike,
  address: number,
  width: number,
  first: number,
  { data }: Value,
): void {
  const target = new Float32Array(buffer, address);
  for (let row = 0; row < data.length / width; row++) {
    const start = Math.floor((first + row) / ROWS) * ROWS * width + ((first + row) % ROWS);
    for (let k = 0; k < width; k++) target[start + ROWS * k] = data[row * width + k]!;
  }
}

function writeBytes(
  buffer: ArrayBufferLike,
  address: number,
  tiling: Tiling,
  first: number,
  { data }: Value,
): void {
  const { width, group } = tiling;
  const words = new Uint32Array(data.buffer, data.byteOffset, data.length / 4);
  const target = new Uint32Array(buffer, address);
  const groups = width / group;
  const sums = new Int16Array(buffer, address + tilesOf(tiling) * ROWS * width);
  for (let row = 0; row < data.length / width; row++) {
    const tile = Math.floor((first + row) / ROWS);
    const lane = (first + row) % ROWS;
    const start = (tile * ROWS * width) / 4 + lane;
    for (let k = 0; k < width / 4; k++) target[start + ROWS * k] = words[(row * width) / 4 + k]!;
    for (let g = 0; g < groups; g++) {
      let sum = 0;
      for (let k = row * width + g * group; k < row * width + (g + 1) * group; k++) sum += data[k]!;
      sums[(tile * groups + g) * ROWS + lane] = -sum;
    }
  }
}

/** Two codes a byte, 8 apart from what they are: 4 neighbours in the lower halves, the next 4 in the upper ones. */
function writeNibbles(
  buffer: ArrayBufferLike,
  address: number,
  width: number,
  first: number,
  { data }: Value,
): void {
  const target = new Uint8Array(buffer, address);
  for (let row = 0; row < data.length / width; row++) {
    const start = (Math.floor((first + row) / ROWS) * ROWS * width) / 2 + 4 * ((first + row) % ROWS);
    for (let k = 0; k < width; k += 8)
      for (let b = 0; b < 4; b++) {
        const at = row * width + k + b;
        target[start + 8 * k + b] = (data[at]! + 8) | ((data[at + 4]! + 8) << 4);
      }
  }
}
