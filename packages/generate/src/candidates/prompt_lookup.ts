import { createSuffixAutomaton } from "./suffix_automaton.ts";

/** Options of prompt lookup; see `promptLookup`. */
export interface PromptLookupOptions {
  /** Candidates at most (prompt_lookup_num_tokens). */
  readonly numTokens: number;
  /** Longest end of the row that is looked for (max_matching_ngram_size). */
  readonly maxNgram: number;
  readonly eos: readonly number[];
}

export interface LookupOptions extends PromptLookupOptions {
  /** How places are looked for (prompt_lookup_method). */
  readonly method: "ngram" | "suffix";
}

/**
 * Proposes what followed the row's own end where it stood before (Saxena 2023; Hugging Face
 * PromptLookupCandidateGenerator): the longest end that occurs earlier wins, of its places the first, and candidates
 * stop before an end token. `room` is how many tokens may still be added; with one there is nothing to gain.
 */
export function promptLookup(ids: readonly number[], room: number, options: PromptLookupOptions): number[] {
  if (room <= 1) return [];
  for (let n = Math.min(options.maxNgram, ids.length - 1); n >= 1; n--) {
    const end = ids.slice(-n);
    // The last window is the end itself, which nothing follows.
    for (let i = 0; i + n < ids.length; i++)
      if (end.every((id, k) => ids[i + k] === id)) return following(ids, i + n, options);
  }
  return [];
}

/** Proposes tokens for one row, which only grows from call to call. */
export type Lookup = (ids: readonly number[], room: number) => number[];

/** The same for ends of any length, found by an index of the row instead of a search. */
export function suffixLookup(options: PromptLookupOptions): Lookup {
  const automaton = createSuffixAutomaton();
  return (ids, room) => {
    for (const id of ids.slice(automaton.length)) automaton.push(id);
    const repeat = room <= 1 ? undefined : automaton.longestRepeat();
    return repeat ? following(ids, repeat.end, options) : [];
  };
}

function following(ids: readonly number[], from: number, { numTokens, eos }: PromptLookupOptions): number[] {
  const candidates = ids.slice(from, from + numTokens);
  const stop = candidates.findIndex((id) => eos.includes(id));
  return stop === -1 ? candidates : candidates.slice(0, stop);
}
