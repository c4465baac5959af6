/** Ops over lines of elements: reductions, order, norms, selection, and the small rest. */
import { STREAMS, sizeOf } from "@fusewire/ir";
import type { Ref } from "@fusewire/passes";
import * as ids from "../ids.ts";
import { splitAt } from "./axes.ts";
import { type Encoder, type Encoders, floatWord, grainFor, type Places } from "./writer.ts";

const operands = (refs: readonly Ref[], places: Places): number[] =>
  refs.flatMap((ref) => [...places.operand(ref)]);

const isInteger = ({ type }: Ref): number => Number(type.dtype === "i32");

const reduction =
  (fold: number): Encoder<"reduce_sum" | "reduce_max" | "argmax"> =>
  ({ reads, write, attrs }, places) => {
    const [x] = reads as readonly [Ref];
    const { outer, n, inner } = splitAt(x.type.shape, attrs.axis);
    return [
      {
        kernel: ids.REDUCE,
        units: outer * inner,
        grain: grainFor(outer * inner, n),
        scratch: 0,
        words: [...operands([write, x], places), fold, isInteger(x), n, inner],
      },
    ];
  };

/** Bytes that sorting n keys takes: keys and ids twice, and the counters of one digit. */
const sortScratch = (n: number): number => 16 * n + 8192;

/** Ops over scores [B, V] with options a row. */
const selection =
  <K extends "top_k" | "top_p" | "categorical">(
    kernel: number,
    scratch: (vocabulary: number) => number,
    words: (attrs: Parameters<Encoder<K>>[0]["attrs"]) => readonly number[],
  ): Encoder<K> =>
  ({ reads, write, attrs }, places) => {
    const [batch, vocabulary] = reads[0]!.type.shape as readonly [number, number];
    return [
      {
        kernel,
        units: batch,
        grain: grainFor(batch, 8 * vocabulary),
        scratch: scratch(vocabulary),
        words: [...operands([write, ...reads], places), ...words(attrs), vocabulary],
      },
    ];
  };

export const LINES: Encoders = {
  reduce_sum: reduction(ids.SUM),
  reduce_max: reduction(ids.LARGEST),
  argmax: reduction(ids.ARG_LARGEST),
  cumsum: ({ reads, write, attrs: { axis } }, places) => {
    const [x] = reads as readonly [Ref];
    const { outer, n, inner } = splitAt(x.type.shape, axis);
    return [
      {
        kernel: ids.CUMSUM,
        units: outer * inner,
        grain: grainFor(outer * inner, n),
        scratch: 0,
        words: [...operands([write, x], places), isInteger(x), n, inner],
      },
    ];
  },
  argsort: ({ reads, write, attrs: { descending } }, places) => {
    const [x] = reads as readonly [Ref];
    const n = x.type.shape.at(-1)!;
    const units = sizeOf(x.type.shape) / n;
    return [
      {
        kernel: ids.ARGSORT,
        units,
        grain: grainFor(units, 8 * n),
        scratch: sortScratch(n),
        words: [...operands([write, x], places), isInteger(x), Number(descending), n],
      },
    ];
  },
  softmax: ({ reads, write }, places) => {
    const n = write.type.shape.at(-1)!;
    const units = sizeOf(write.type.shape) / n;
    return [
      {
        kernel: ids.SOFTMAX,
        units,
        grain: grainFor(units, 4 * n),
        scratch: 4 * n + 16,
        words: [...operands([write, ...reads], places), n],
      },
    ];
  },
  rms_norm: ({ reads, write, attrs: { eps } }, places) => {
    const n = write.type.shape.at(-1)!;
    const units = sizeOf(write.type.shape) / n;
    return [
      {
        kernel: ids.RMS_NORM,
        units,
        grain: grainFor(units, n),
        scratch: 0,
        words: [...operands([write, ...reads], places), n, floatWord(eps)],
      },
    ];
  },
  layer_norm: ({ reads, write, attrs: { eps } }, places) => {
    const n = write.type.shape.at(-1)!;
    const units = sizeOf(write.type.shape) / n;
    return [
      {
        kernel: ids.LAYER_NORM,
        units,
        grain: grainFor(units, 4 * n),
        scratch: 0,
        words: [...operands([write, ...reads], places), n, floatWord(eps)],
      },
    ];
  },
  rotary: ({ reads, write }, places) => {
    const [batch, heads, length, width] = write.type.shape as readonly [number, number, number, number];
    const units = batch * heads * length;
    return [
      {
        kernel: ids.ROTARY,
        units,
        grain: grainFor(units, width),
        scratch: 0,
        words: [...operands([write, ...reads], places), heads, length, width / 2],
      },
    ];
  },
  occurs: ({ reads, write, attrs: { size } }, places) => {
    const [batch, length] = reads[0]!.type.shape as readonly [number, number];
    return [
      {
        kernel: ids.OCCURS,
        units: batch,
        grain: 0,
        scratch: 0,
        words: [...operands([write, ...reads], places), length, size],
      },
    ];
  },
  uniform: ({ reads, write, attrs: { stream } }, places) => [
    {
      kernel: ids.UNIFORM,
      units: sizeOf(write.type.shape),
      grain: 0,
      scratch: 0,
      words: [...operands([write, ...reads], places), (STREAMS as readonly string[]).indexOf(stream)],
    },
  ],
  top_k: selection<"top_k">(
    ids.TOP_K,
    () => 8192,
    ({ keep }) => [keep],
  ),
  top_p: selection<"top_p">(ids.TOP_P, sortScratch, ({ keep }) => [keep]),
  categorical: selection<"categorical">(
    ids.CATEGORICAL,
    (n) => 4 * n + 16,
    () => [],
  ),
};
