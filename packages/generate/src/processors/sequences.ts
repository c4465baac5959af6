/** Sequences of ids whose last token is biased or banned where the row ends in the tokens before it. */
import {
  and,
  cast,
  eq,
  gather,
  iota,
  le,
  type Node,
  or,
  reshape,
  sliceAxis,
  sub,
  toValue,
  type Value,
} from "@fusewire/ir";
import { roomFor } from "./encode.ts";
import type { ScoreContext } from "./processor.ts";

/** Sequences as data: `sequences` i32[N, W], right-aligned and filled with -1, and `sizes` i32[N]. */
export function encodeSequences(
  sequences: readonly (readonly number[])[],
): Record<"sequences" | "sizes", Value> {
  const rows = roomFor(sequences.length);
  const width = 2 ** Math.ceil(Math.log2(Math.max(2, ...sequences.map((ids) => ids.length))));
  const padded = Array.from({ length: rows }, (_, n) => {
    const ids = sequences[n] ?? [];
    return [...new Array<number>(width - ids.length).fill(-1), ...ids];
  });
  return {
    sequences: toValue({ dtype: "i32", shape: [rows, width] }, padded.flat()),
    sizes: toValue(
      { dtype: "i32", shape: [rows] },
      Array.from({ length: rows }, (_, n) => sequences[n]?.length ?? 0),
    ),
  };
}

/** f32[B, N]: 1 where the row ends in all but the last token of the sequence. */
export function sequenceMatches(
  { sequences, sizes }: Readonly<Record<string, Node>>,
  { ids, lengths }: ScoreContext,
): Node {
  const [rows, width] = sequences!.type.shape as readonly [number, number];
  const batch = ids.type.shape[0]!;
  const length = reshape(lengths, [batch, 1]);
  // Hugging Face leaves out a sequence longer than the row, though its last token is not in the row yet.
  let matches = and(le(reshape(sizes!, [1, rows]), length), le(1, reshape(sizes!, [1, rows])));
  for (let w = 0; w < width - 1; w++) {
    const wanted = reshape(columnOf(sequences!, w), [1, rows]);
    const there = gather(ids, sub(length, width - 1 - w), 1);
    matches = and(matches, or(eq(wanted, -1), eq(wanted, there)));
  }
  return cast(matches, "f32");
}

/** f32[N, V]: 1 at the last token of each sequence. */
export function lastTokens({ sequences }: Readonly<Record<string, Node>>, vocabulary: number): Node {
  const width = sequences!.type.shape[1]!;
  const last = columnOf(sequences!, width - 1);
  return cast(eq(last, iota(sequences!.table, vocabulary)), "f32");
}

const columnOf = (sequences: Node, w: number): Node => sliceAxis(sequences, 1, w, 1);
