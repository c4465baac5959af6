import { FusewireError } from "@fusewire/ir";
import type { Past } from "../plan.ts";
import { type ModelInputs, type Rows, toRows } from "../rows.ts";
import type { Runtime } from "../runtime.ts";
import { sizeFor } from "./bind.ts";
import { type CacheHold, EMPTY_ROW } from "./hold.ts";
import { canCut } from "./rollback.ts";

/**
 * The whole texts that a generation over a cache goes on from. As in Hugging Face `input_ids` holds all of them, or
 * with an attention_mask that is longer only what comes after the cache: the mask's first part stands for what the
 * cache holds, and may count the token that was generated last.
 */
export function wholeTexts(hold: CacheHold, inputs: ModelInputs, vocabSize: number): Rows {
  const { input_ids, attention_mask } = inputs;
  const width = attention_mask?.[0]?.length ?? 0;
  const past = width - (input_ids[0]?.length ?? 0);
  if (!attention_mask || past <= 0) return toRows(inputs, vocabSize);
  const fresh = toRows(
    { input_ids, attention_mask: attention_mask.map((row) => row.slice(past)) },
    vocabSize,
  );
  const rows = fresh.rows.map((row, b) => {
    const { ids, cached } = hold.rows[b] ?? EMPTY_ROW;
    const seen = attention_mask[b]!.slice(0, past).filter((value) => value === 1).length;
    if (seen !== cached && seen !== ids.length)
      throw new FusewireError(
        `attention_mask has ${seen} tokens before input_ids in row ${b}, and the cache holds ${cached}; crop the cache, or give all tokens as input_ids`,
      );
    return [...ids.slice(0, seen), ...row];
  });
  return { rows, starts: rows.map((row) => width - row.length), width };
}

/** What the cache holds of these texts, and the size in which it holds longer ones. */
export const pastOf = (hold: CacheHold, runtime: Runtime, rows: Rows["rows"]): Past => ({
  cached: reusable(hold, rows),
  size: (tokens) => sizeFor(hold, runtime, rows.length, tokens),
});

/**
 * How many tokens of each row need not be computed: the longest beginning that the cache holds, but the last token,
 * which is decoded again for its scores. None where a ring has lost keys that such a beginning needs.
 */
export const reusable = ({ rows: held, bound }: CacheHold, rows: Rows["rows"]): number[] =>
  rows.map((row, b) => {
    const known = held[b] ?? EMPTY_ROW;
    const most = Math.min(known.cached, row.length - 1);
    const differs = row.findIndex((id, i) => i >= most || id !== known.ids[i]);
    return canCut(known, differs, bound) ? differs : 0;
  });
