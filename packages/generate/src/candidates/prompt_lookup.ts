/** Options of prompt lookup; see `promptLookup`. */
export interface PromptLookupOptions {
  /** Candidates at most (prompt_lookup_num_tokens). */
  readonly numTokens: number;
  /** Longest end of the row that is looked for (max_matching_ngram_size). */
  readonly maxNgram: number;
  readonly eos: readonly number[];
}

/**
 * Proposes what followed the row's own end where it stood before (Saxena 2023; Hugging Face
 * PromptLookupCandidateGenerator): the longest end that occurs earlier wins, of its places the first, and candidates
 * stop before an end token. `room` is how many tokens may still be added; with one there is nothing to gain.
 */
export function promptLookup(
  ids: readonly number[],
  room: number,
  { numTokens, maxNgram, eos }: PromptLookupOptions,
): number[] {
  if (room <= 1) return [];
  for (let n = Math.min(maxNgram, ids.length - 1); n >= 1; n--) {
    const end = ids.slice(-n);
    // The last window is the end itself, which nothing follows.
    for (let i = 0; i + n < ids.length; i++) {
      if (!end.every((id, k) => ids[i + k] === id)) continue;
      const following = ids.slice(i + n, i + n + numTokens);
      const stop = following.findIndex((id) => eos.includes(id));
      return stop === -1 ? following : following.slice(0, stop);
    }
  }
  return [];
}
