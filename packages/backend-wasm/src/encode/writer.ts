import type { OpAttrs, OpName } from "@fusewire/ir";
import { DTYPES, type DType } from "@fusewire/ir";
import type { Ref, Step } from "@fusewire/passes";
import { FEW_ROWS, HEADER } from "../ids.ts";
import type { Panels } from "../panels.ts";
import type { Tiling } from "../tiles.ts";

/** One call of a kernel, but for its place in the table. */
export interface Launch {
  readonly kernel: number;
  /** Pieces of work that may run in any order. */
  readonly units: number;
  /** Units that a thread takes at once; 0 when the work is too little to share. */
  readonly grain: number;
  /** How long a piece of `grain` units takes, in the pieces that `grainFor` aims at; 1 unless given. */
  readonly weight?: number;
  /** Bytes of scratch memory that the kernel needs in each thread. */
  readonly scratch: number;
  /** The kernel's own words. */
  readonly words: readonly number[];
}

/** What encoders need to know of the executable that they write for. */
export interface Places {
  /** The two words of an operand. */
  readonly operand: (ref: Ref) => readonly [cell: number, offset: number];
  /** Whether the values, f32 in the graph, are kept as bf16 words. */
  readonly isNarrow: (ref: Ref) => boolean;
  /** How a quantized weight is tiled. */
  readonly tilingOf: (ref: Ref) => Tiling | undefined;
  /** How a matrix of floats lies in panels. */
  readonly panelsOf: (ref: Ref) => Panels | undefined;
}

/** A step whose kernel is known, with the attributes of that op. */
export interface StepOf<K extends OpName> extends Step {
  readonly attrs: OpAttrs[K];
}

/** Writes one step as calls of kernels. */
export type Encoder<K extends OpName = OpName> = (step: StepOf<K>, places: Places) => readonly Launch[];

export type Encoders = { readonly [K in OpName]?: Encoder<K> };

/** About how many multiplications or loads are worth waking a thread for. */
const SHARE = 16384;

/** How many units, each of about `cost` elementary operations, a thread takes at once. */
export function grainFor(units: number, cost: number): number {
  if (units < 2 || units * cost < 2 * SHARE) return 0;
  return Math.max(1, Math.ceil(SHARE / cost));
}

/** Rows of x that a piece treats: with a tile of the weight they fit the inner cache. */
const BLOCK_ROWS = 64;

/**
 * A product of m rows cut into blocks of rows by tiles of columns, the kernels' units. A few rows take units by
 * multiples of `together`.
 */
export function cutProduct(m: number, n: number, columns: number, cost: number, together = 1) {
  const tiles = Math.ceil(n / columns);
  const block = Math.min(m, BLOCK_ROWS);
  const units = tiles * Math.ceil(m / block);
  const least = grainFor(units, block * cost);
  const grain = least > 0 ? piece(block, tiles, least, together) : 0;
  return { block, units, grain, weight: weightOf(grain, block * cost) };
}

/**
 * Units of a piece. One row waits for memory, which long runs of the weight bring faster; some pieces must be left for a
 * thread that is early. A few rows compute, and six pieces are as good for two threads as for three. With many, pieces
 * take several tiles, for each begins by laying out its rows of x.
 */
function piece(block: number, tiles: number, least: number, together: number): number {
  const sixth = Math.ceil(tiles / 6);
  if (block === 1) return Math.max(least, Math.min(sixth, 4 * least));
  if (block > FEW_ROWS) return Math.min(Math.ceil(tiles / 4), Math.max(8, least));
  return Math.ceil(Math.max(least, Math.min(sixth, 32)) / together) * together;
}

const scratchView = new DataView(new ArrayBuffer(4));

/** The word that holds a float. */
export function floatWord(x: number): number {
  scratchView.setFloat32(0, x);
  return scratchView.getUint32(0);
}

export const dtypeWord = (dtype: DType): number => DTYPES.indexOf(dtype);

/** The launch as words of the table. */
export const launchWords = ({ kernel, units, grain, weight = 1, words }: Launch): number[] => [
  kernel,
  HEADER + words.length,
  units,
  grain,
  weight,
  ...words,
];

/** The `weight` of pieces of `grain` units that cost `cost` each. */
export const weightOf = (grain: number, cost: number): number =>
  Math.max(1, Math.ceil((grain * cost) / SHARE));
