/** Ops that move elements. */
import { bytesPerElement, type Shape, sizeOf, stridesOf } from "@fusewire/ir";
import type { Ref, Step } from "@fusewire/passes";
import * as ids from "../ids.ts";
import { broadcastStrides, mergeAxes, splitAt } from "./axes.ts";
import { dtypeWord, type Encoders, grainFor, type Launch, type Places } from "./writer.ts";

interface Side {
  readonly ref: Ref;
  readonly strides: readonly number[];
  /** In elements. */
  readonly offset?: number;
}

/** Copies elements between two layouts of one shape. */
function encodeCopy(shape: Shape, from: Side, to: Side, places: Places): Launch {
  const bytes = bytesPerElement(to.ref.type.dtype);
  const axes = mergeAxes(shape, [from.strides, to.strides]);
  const operand = ({ ref, offset = 0 }: Side) =>
    places.operand({ ...ref, offset: ref.offset + offset * bytes });
  const run = axes.at(-1)!.size;
  const units = sizeOf(shape) / run;
  return {
    kernel: ids.COPY,
    units,
    grain: grainFor(units, run),
    scratch: 0,
    words: [
      ...operand(to),
      ...operand(from),
      bytes,
      axes.length,
      ...axes.flatMap(({ size, strides: [source, target] }) => [size, source! * bytes, target! * bytes]),
    ],
  };
}

/** The whole of `write` from elements of the first read at the given strides. */
function gatherStrided(
  { reads, write }: Step,
  strides: readonly number[],
  offset: number,
  places: Places,
): Launch[] {
  const { shape } = write.type;
  const source = { ref: reads[0]!, strides, offset };
  return [encodeCopy(shape, source, { ref: write, strides: stridesOf(shape) }, places)];
}

/** Copies a tensor as it is. */
export const encodePlainCopy = (step: Step, places: Places): Launch[] =>
  gatherStrided(step, stridesOf(step.write.type.shape), 0, places);

const PANELS = { f32: ids.PANELS_F32, bf16: ids.PANELS_BF16, f16: ids.PANELS_F16 } as const;

/** How `GATHER_TILED` finds the rows of a weight that is not kept row by row. */
function tiledKind(ref: Ref, places: Places): number | undefined {
  const [tiling, panels] = [places.tilingOf(ref), places.panelsOf(ref)];
  if (panels) return PANELS[panels.dtype];
  if (!tiling) return undefined;
  if (tiling.kind === "scales") return ids.TILED_FLOATS;
  return tiling.layout.bits === 8 ? ids.TILED_8 : ids.TILED_4;
}

export const MOVEMENT: Encoders = {
  reshape: encodePlainCopy,
  transpose: (step, places) => {
    const strides = stridesOf(step.reads[0]!.type.shape);
    return gatherStrided(
      step,
      step.attrs.perm.map((axis) => strides[axis]!),
      0,
      places,
    );
  },
  broadcast_to: (step, places) =>
    gatherStrided(step, broadcastStrides(step.reads[0]!.type.shape, step.write.type.shape), 0, places),
  slice: (step, places) => {
    const strides = stridesOf(step.reads[0]!.type.shape);
    const offset = step.attrs.starts.reduce((sum, start, k) => sum + start * strides[k]!, 0);
    return gatherStrided(step, strides, offset, places);
  },
  concat: ({ reads, write, attrs: { axis } }, places) => {
    const strides = stridesOf(write.type.shape);
    let before = 0;
    return reads.map((read) => {
      const offset = before * strides[axis]!;
      before += read.type.shape[axis]!;
      const from = { ref: read, strides: stridesOf(read.type.shape) };
      return encodeCopy(read.type.shape, from, { ref: write, strides, offset }, places);
    });
  },
  gather: ({ reads: [source, index], write, attrs: { batch } }, places) => {
    const { shape, dtype } = source!.type;
    const units = sizeOf(index!.type.shape);
    const entry = sizeOf(shape.slice(batch + 1));
    const narrow = places.isNarrow(source!);
    const tiled = tiledKind(source!, places);
    if (tiled !== undefined)
      return [
        {
          kernel: ids.GATHER_TILED,
          units,
          grain: grainFor(units, entry),
          scratch: 0,
          words: [
            ...places.operand(write),
            ...places.operand(source!),
            ...places.operand(index!),
            ...[shape[0]!, entry, tiled],
          ],
        },
      ];
    return [
      {
        kernel: ids.GATHER,
        units,
        grain: grainFor(units, entry),
        scratch: 0,
        words: [
          ...places.operand(write),
          ...places.operand(source!),
          ...places.operand(index!),
          units / sizeOf(shape.slice(0, batch)),
          shape[batch]!,
          entry * (narrow ? 2 : bytesPerElement(dtype)),
          Number(narrow),
        ],
      },
    ];
  },
  cache_write: ({ reads: [, rows, at, count, values], write, attrs: { axis, ring } }, places) => {
    const { outer, n, inner } = splitAt(values!.type.shape, axis);
    const batch = values!.type.shape[0]!;
    const bytes = inner * bytesPerElement(write.type.dtype);
    return [
      {
        kernel: ids.CACHE_WRITE,
        units: outer,
        grain: grainFor(outer, n * inner),
        scratch: 0,
        words: [
          ...[write, rows!, at!, count!, values!].flatMap((ref) => places.operand(ref)),
          batch,
          write.type.shape[0]!,
          outer / batch,
          n,
          write.type.shape[axis]!,
          bytes,
          Number(ring),
        ],
      },
    ];
  },
  cast: ({ reads: [source], write }, places) => {
    const units = sizeOf(write.type.shape);
    return [
      {
        kernel: ids.CAST,
        units,
        grain: grainFor(units, 8),
        scratch: 0,
        words: [
          ...places.operand(write),
          ...places.operand(source!),
          dtypeWord(source!.type.dtype),
          dtypeWord(write.type.dtype),
        ],
      },
    ];
  },
};
