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

/** Proposals for one row, which only grows from call to call: the best first, each with what followed it where it is from. */
export type Lookup = (ids: readonly number[], room: number) => Iterable<readonly number[]>;

/**
 * What followed the row's own end where it stood before (Saxena 2023; Hugging Face PromptLookupCandidateGenerator): of
 * the longest end that occurs earlier first, and of its places the first. `room` is how many tokens may still be
 * added; with one there is nothing to gain.
 */
export function* ngramLookup(
  ids: readonly number[],
  room: number,
  { maxNgram, numTokens }: PromptLookupOptions,
): Generator<readonly number[]> {
  if (room <= 1) return;
  for (let n = Math.min(maxNgram, ids.length - 1); n >= 1; n--) {
    const end = ids.slice(-n);
    // The last window is the end itself, which nothing follows.
    for (let i = 0; i + n < ids.length; i++)
      if (end.every((id, k) => ids[i + k] === id)) yield ids.slice(i + n, i + n + numTokens);
  }
}

/** The same for ends of any length, found by an index of the row instead of a search; the longest alone. */
export function suffixLookup({ numTokens }: PromptLookupOptions): Lookup {
  const automaton = createSuffixAutomaton();
  return (ids, room) => {
    for (const id of ids.slice(automaton.length)) automaton.push(id);
    const repeat = room <= 1 ? undefined : automaton.longestRepeat();
    return repeat ? [ids.slice(repeat.end, repeat.end + numTokens)] : [];
  };
}

/**
 * The first proposal of which something is left by `allowed`, up to an end token: what stands behind one is never said.
 */
export function promptLookup(
  proposals: Iterable<readonly number[]>,
  eos: readonly number[],
  allowed: (candidates: readonly number[]) => readonly number[] = (candidates) => candidates,
): readonly number[] {
  for (const candidates of proposals) {
    const left = allowed(candidates);
    if (left.length === 0) continue;
    const stop = left.findIndex((id) => eos.includes(id));
    return stop === -1 ? left : left.slice(0, stop);
  }
  return [];
}
