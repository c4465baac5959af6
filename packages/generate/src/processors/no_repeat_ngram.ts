import {
  add,
  and,
  constant,
  eq,
  gather,
  iota,
  le,
  type Node,
  occurs,
  reshape,
  slice,
  sub,
  where,
} from "@fusewire/ir";
import type { Processor, ScoreContext } from "./processor.ts";

/** Bans tokens that would complete an n-gram of a row's first `within` tokens, i32[B]. */
export function banRepeats(scores: Node, { ids, lengths }: ScoreContext, within: Node, n: number): Node {
  const [batch, vocabulary] = scores.type.shape as readonly [number, number];
  const capacity = ids.type.shape[1]!;
  const starts = capacity - n + 1;
  if (starts <= 0) return scores;
  const column = (k: number) => slice(ids, [0, k], [batch, starts]);
  const length = reshape(lengths, [batch, 1]);
  // Start i counts when ids[i .. i+n-2] are the row's last n-1 tokens and ids[i+n-1] is there.
  let repeats = le(add(iota(ids.table, starts), n), reshape(within, [batch, 1]));
  for (let k = 0; k < n - 1; k++) {
    const last = gather(ids, sub(length, n - 1 - k), 1);
    repeats = and(repeats, eq(column(k), last));
  }
  // A row shorter than n-1 has no such end; its index below 0 would read the first token.
  repeats = and(repeats, le(n - 1, length));
  const banned = where(repeats, column(n - 1), -1);
  const all = constant(ids.table, starts, "i32", [batch]);
  return where(occurs(banned, all, vocabulary), Number.NEGATIVE_INFINITY, scores);
}

/** No n-gram occurs twice in a row, prompt included (Paulus et al. 2017; NoRepeatNGramLogitsProcessor). */
export const noRepeatNgram: Processor = {
  option: "no_repeat_ngram_size",
  samplingOnly: false,
  // The size is the number of comparisons, so it is a part of the program.
  encode: (value) => (Number(value) > 0 ? { inputs: {}, fixed: Number(value) } : undefined),
  apply: (scores, _inputs, context, n) => banRepeats(scores, context, context.lengths, n),
};
