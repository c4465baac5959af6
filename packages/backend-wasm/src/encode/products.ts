/** Products and attention. */
import { broadcastShapes, epilogueOf, type Shape, sizeOf, stridesOf } from "@fusewire/ir";
import type { Ref } from "@fusewire/passes";
import * as ids from "../ids.ts";
import { broadcastStrides } from "./axes.ts";
import {
  cutProduct,
  dtypeWord,
  type Encoders,
  floatWord,
  grainFor,
  type Launch,
  type Places,
  weightOf,
} from "./writer.ts";

/** Epilogues by the name that ops carry. */
export const ACTIVATIONS: Readonly<Record<string, number>> = {
  none: ids.NO_ACTIVATION,
  silu: ids.SILU,
  relu: ids.RELU,
  gelu_tanh: ids.GELU_TANH,
};

/** Columns of the result that the kernel treats while one block of the weight is in the cache. */
const BLOCK_COLUMNS = 48;

/** Whole tiles of the kernel: 8 columns for one row of x, 3 for more. */
const inTiles = (grain: number): number => Math.ceil(grain / 24) * 24;

interface Product {
  readonly write: Ref;
  readonly x: Ref;
  readonly weight: Ref;
  readonly bias?: Ref | undefined;
  readonly residual?: Ref | undefined;
  readonly activation: string;
  readonly gated: boolean;
}

/** x · weightᵀ with its epilogue, for a weight that all rows of x share. */
function encodeLinear(
  { write, x, weight, bias, residual, activation, gated }: Product,
  places: Places,
): Launch[] {
  const n = write.type.shape.at(-1)!;
  const k = x.type.shape.at(-1)!;
  const m = sizeOf(x.type.shape) / k;
  const operand = (ref: Ref | undefined) => (ref ? places.operand(ref) : [0, 0]);
  const panels = places.panelsOf(weight);
  const words = [
    ...places.operand(write),
    ...places.operand(x),
    ...places.operand(weight),
    ...operand(bias),
    ...operand(residual),
    ...[m, n, k, ACTIVATIONS[activation]!, Number(!!bias), Number(!!residual), Number(gated)],
  ];
  if (panels) {
    const tile = ids.PANEL_TILE / 16;
    const { block, ...cut } = cutProduct(m, n, 16, 16 * k * (gated ? 2 : 1), tile);
    // One or two rows read several places at once, and each for a while; a few take a tile whole, in the order of memory.
    const together = block <= 2 ? 16 : block <= ids.FEW_ROWS ? tile : 1;
    const columns = 16 * together;
    const scratch = 4 * block * k + (2 * 4 + 16) * block * columns + 32 * ids.PANEL_BLOCK;
    return [
      {
        kernel: ids.LINEAR_PANELS,
        ...cut,
        scratch,
        words: [...words, dtypeWord(panels.dtype), block, together],
      },
    ];
  }
  const cost = m * k * (gated ? 2 : 1);
  const grain = inTiles(grainFor(n, cost));
  return [
    {
      kernel: ids.LINEAR,
      units: n,
      grain,
      weight: weightOf(grain, cost),
      scratch: gated ? m * BLOCK_COLUMNS * 4 : 0,
      words: [...words, dtypeWord(places.isNarrow(weight) ? "bf16" : "f32")],
    },
  ];
}

/** Which matrix of an operand with leading axes `own` each matrix of the result reads. */
function stacksOf(own: Shape, batch: Shape): number[] {
  const strides = broadcastStrides(own, batch);
  const all = stridesOf(batch);
  return Array.from({ length: sizeOf(batch) }, (_, s) =>
    batch.reduce((at, size, k) => at + (Math.floor(s / all[k]!) % size) * strides[k]!, 0),
  );
}

export const PRODUCTS: Encoders = {
  linear: ({ reads: [x, weight, ...rest], write, attrs }, places) =>
    encodeLinear(
      {
        write,
        x: x!,
        weight: weight!,
        ...epilogueOf(rest, attrs),
        activation: attrs.activation,
        gated: false,
      },
      places,
    ),
  gated_linear: ({ reads: [x, weight, bias], write, attrs: { activation } }, places) =>
    encodeLinear({ write, x: x!, weight: weight!, bias, activation, gated: true }, places),
  matmul: ({ reads, write, attrs: { transposeB } }, places) => {
    const [a, b] = reads as readonly [Ref, Ref];
    if (transposeB && b.type.shape.length === 2)
      return encodeLinear({ write, x: a, weight: b, activation: "none", gated: false }, places);
    const [left, right] = [a.type.shape.slice(0, -2), b.type.shape.slice(0, -2)];
    const batch = broadcastShapes(left, right)!;
    const [m, n] = write.type.shape.slice(-2) as [number, number];
    const k = a.type.shape.at(-1)!;
    const [aStacks, bStacks] = [stacksOf(left, batch), stacksOf(right, batch)];
    const units = sizeOf(batch) * m;
    return [
      {
        kernel: ids.MATMUL,
        units,
        grain: grainFor(units, n * k),
        scratch: 0,
        words: [
          ...places.operand(write),
          ...places.operand(a),
          ...places.operand(b),
          ...[m, n, k, Number(transposeB)],
          ...aStacks.flatMap((stack, s) => [stack, bStacks[s]!]),
        ],
      },
    ];
  },
  attention: ({ reads, write, attrs: { scale, softcap, ring } }, places) => {
    const [q, keys, values, rows, lo, hi, ...scales] = reads as readonly [
      Ref,
      Ref,
      Ref,
      Ref,
      Ref,
      Ref,
      ...Ref[],
    ];
    const [batch, heads, length, width] = q.type.shape as readonly [number, number, number, number];
    const [cacheRows, keyHeads, slots, valueWidth] = values.type.shape as readonly [
      number,
      number,
      number,
      number,
    ];
    const units = batch * heads * length;
    // How long runs are is data; a quarter of the slots is a guess.
    const cost = (slots * (width + valueWidth)) / 4;
    const least = grainFor(units, cost);
    const { dtype } = keys.type;
    // Queries of a group that stay together widen their keys once, and those of a tile read them once.
    const together = dtype === "f32" ? 1 : heads / keyHeads;
    const some = least > 0 && length > 1 ? Math.max(least, ids.ATTENTION_TILE) : least;
    const grain = Math.ceil(some / together) * together;
    const [keyScales, valueScales] = scales.length > 0 ? scales : [keys, values];
    return [
      {
        kernel: ids.ATTENTION,
        units,
        grain,
        weight: weightOf(grain, cost),
        scratch:
          ids.ATTENTION_TILE * ids.ATTENTION_QUERY_BYTES +
          4 * ids.ATTENTION_PIECE * Math.max(width, valueWidth) +
          16,
        words: [
          ...[write, q, keys, values, rows, lo, hi, keyScales, valueScales].flatMap((ref) => [
            ...places.operand(ref!),
          ]),
          ...[cacheRows, heads, keyHeads, length, slots, width, valueWidth],
          floatWord(scale),
          floatWord(softcap),
          Number(ring),
          dtypeWord(dtype),
        ],
      },
    ];
  },
};
