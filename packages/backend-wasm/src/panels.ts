/** Matrices of floats as the products want them: panels of 2 rows; see `kernels/panels.ts`. */
import type { Node, Value } from "@fusewire/ir";
import type { Program, Step } from "@fusewire/passes";
import { PANEL_BLOCK, PANEL_TILE } from "./ids.ts";
import { piecesOf } from "./pieces.ts";

const ROWS = 2;
/** Elements of a row that lie together. */
const RUN = 8;

/** A matrix of f32 in the graph, in panels of f32 or, where every weight it is made of has 16 bits of one kind, of those. */
export interface Panels {
  readonly kind: "panels";
  readonly dtype: "f32" | "bf16" | "f16";
  readonly rows: number;
  readonly width: number;
}

/** The panels of a weight that is computed as `source`; undefined when it is no matrix of whole panels. */
export function panelsOf(source: Node): Panels | undefined {
  const { dtype, shape } = source.type;
  const [rows = 0, width = 0] = shape;
  if (dtype !== "f32" || shape.length !== 2 || width % RUN !== 0) return undefined;
  const pieces = piecesOf(source);
  if (pieces?.some(({ size }) => size % width !== 0)) return undefined;
  const narrow = (["bf16", "f16"] as const).find((narrow) =>
    pieces?.every((piece) => piece.dtype === narrow),
  );
  return { kind: "panels", dtype: narrow ?? "f32", rows, width };
}

/** Whether whatever reads the buffer knows panels. */
export const readsPanels = (buffer: number, { steps, outputs }: Program): boolean =>
  Object.values(outputs).every((output) => output.buffer !== buffer) &&
  steps.every((step) =>
    step.reads.every(
      (read, side) => read.buffer !== buffer || (read.offset === 0 && knowsPanels(step, side)),
    ),
  );

function knowsPanels({ kernel, reads, write, attrs }: Step, side: number): boolean {
  switch (kernel) {
    case "gather":
      return side === 0 && (attrs as { readonly batch: number }).batch === 0;
    case "linear":
      return side === 1;
    case "gated_linear":
      // The rows of the other half begin with a panel.
      return side === 1 && write.type.shape.at(-1)! % ROWS === 0;
    case "matmul":
      return (
        side === 1 &&
        (attrs as { readonly transposeB: boolean }).transposeB &&
        reads[1]!.type.shape.length === 2
      );
    default:
      return false;
  }
}

const bytesEach = ({ dtype }: Panels): number => (dtype === "f32" ? 4 : 2);

export const panelBytes = (panels: Panels): number =>
  Math.ceil(panels.rows / PANEL_TILE) * PANEL_TILE * panels.width * bytesEach(panels);

/**
 * Writes whole rows, from row `first` on, into the panels at `address`; the memory there was cleared before. Of bf16 a
 * word holds elements k and k + 4 of a run, which a shift and a mask widen; others lie in order.
 */
export function writePanels(
  buffer: ArrayBufferLike,
  address: number,
  { dtype, width }: Panels,
  first: number,
  { data }: Value,
): void {
  const words = (from: ArrayBufferLike, at: number, wide: boolean, length?: number) =>
    wide ? new Uint32Array(from, at, length) : new Uint16Array(from, at, length);
  const source = words(data.buffer, data.byteOffset, dtype === "f32", data.length);
  const target = words(buffer, address, dtype !== "f16");
  const run = dtype === "bf16" ? RUN / 2 : RUN;
  for (let row = 0; row < data.length / width; row++) {
    const lane = (first + row) % PANEL_TILE;
    const tile = first + row - lane;
    for (let k = 0; k < width; k += RUN) {
      const block = k - (k % PANEL_BLOCK);
      const length = Math.min(PANEL_BLOCK, width - block);
      const panel = PANEL_TILE * block + tile * width + Math.floor(lane / ROWS) * ROWS * length;
      const from = row * width + k;
      const to = ((panel + ROWS * (k - block)) / RUN) * run + (lane % ROWS) * run;
      if (dtype === "bf16")
        for (let b = 0; b < 4; b++) target[to + b] = source[from + b]! | (source[from + b + 4]! << 16);
      else for (let b = 0; b < RUN; b++) target[to + b] = source[from + b]!;
    }
  }
}
