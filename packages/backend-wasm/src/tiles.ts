/** Quantized weights as the kernels want them: tiles of 16 rows; see `kernels/quantized.ts`. */
import { isNode, type Layout, type Node, type NodeOf, sameLayout } from "@fusewire/ir";
import type { Program, Step } from "@fusewire/passes";
import { NARROW_SUMS } from "./ids.ts";

const ROWS = 16;

/** A quantized matrix, or the scales of one, with what decides how it is tiled. */
export interface Tiling {
  readonly kind: "codes" | "scales";
  readonly layout: Layout;
  readonly rows: number;
  /** Elements of a row: codes, or scales. */
  readonly width: number;
  /** Rows of the matrix, one part after another, each computed by itself: the scales of each. */
  readonly parts: readonly NodeOf<"group_scales">[];
}

/** The tiling of a prepared value; undefined when it is not a quantized matrix. */
export function tilingOf(node: Node): Tiling | undefined {
  const parts = isNode(node, "concat") && node.attrs.axis === 0 ? node.inputs : [node];
  if (node.type.shape.length !== 2) return undefined;
  const kind = parts[0]?.op === "quantize_rows" ? "codes" : "scales";
  const scales = parts.map((part) => (kind === "codes" ? scalesOf(part) : part));
  const [first] = scales;
  if (!first || !isNode(first, "group_scales")) return undefined;
  const { layout } = first.attrs;
  const alike = (part: Node | undefined): part is NodeOf<"group_scales"> =>
    part !== undefined && isNode(part, "group_scales") && sameLayout(part.attrs.layout, layout);
  const [rows, width] = node.type.shape as readonly [number, number];
  if (!scales.every(alike) || layout.group % 8 !== 0 || layout.bits === 7) return undefined;
  return { kind, layout, rows, width, parts: scales };
}

/** The scales of codes that were quantized by their own; undefined for anything else. */
function scalesOf(codes: Node): Node | undefined {
  if (!isNode(codes, "quantize_rows")) return undefined;
  const [x, scales] = codes.inputs as readonly [Node, Node];
  const own = isNode(scales, "group_scales") && scales.inputs[0] === x;
  return own && sameLayout(scales.attrs.layout, codes.attrs.layout) ? scales : undefined;
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

/** Bytes of the tiles; behind codes of 8 bits come the negated sums of their groups, as integers of 16 or 32 bits. */
export function tiledBytes(tiling: Tiling): number {
  const {
    kind,
    layout: { bits, group },
    width,
  } = tiling;
  const elements = tilesOf(tiling) * ROWS * width;
  if (kind === "scales") return 4 * elements;
  const sums = (elements / group) * (group > NARROW_SUMS ? 4 : 2);
  return bits === 8 ? elements + sums : elements / 2;
}

/** Where, behind codes of 8 bits, the negated sums of their groups begin. */
export const sumsOffset = (tiling: Tiling): number => tilesOf(tiling) * ROWS * tiling.width;

/** Writes the scales of rows from row `first` on into the tiles at `address`. */
export function writeScales(
  buffer: ArrayBufferLike,
  address: number,
  width: number,
  first: number,
  scales: Float32Array,
): void {
  const target = new Float32Array(buffer, address);
  for (let row = 0; row < scales.length / width; row++) {
    const start = Math.floor((first + row) / ROWS) * ROWS * width + ((first + row) % ROWS);
    for (let k = 0; k < width; k++) target[start + ROWS * k] = scales[row * width + k]!;
  }
}
