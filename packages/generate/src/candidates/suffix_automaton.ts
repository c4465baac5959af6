/** A state: sequences that occur at the same places, the longest of which has `length` tokens. */
interface State {
  readonly length: number;
  /** Index of the last token of their first occurrence. */
  readonly firstEnd: number;
  /** The state of their longest suffix that occurs at more places. */
  link: number;
  readonly next: Map<number, number>;
}

/** An index of everything that occurs in a growing row of tokens. */
export interface SuffixAutomaton {
  /** Tokens so far. */
  readonly length: number;
  push(token: number): void;
  /**
   * The longest end of the row that occurs earlier in it too: its length, and the index behind its first occurrence;
   * undefined where the last token is new.
   */
  longestRepeat(): { readonly length: number; readonly end: number } | undefined;
}

const NONE = -1;

/**
 * The suffix automaton (Blumer et al. 1985), built token by token: amortised constant time and memory a token, and the
 * longest repeated end is one look-up. As an index for drafts: SAM decoding (Hu et al. 2024).
 */
export function createSuffixAutomaton(): SuffixAutomaton {
  const states: State[] = [{ length: 0, firstEnd: NONE, link: NONE, next: new Map() }];
  let last = 0;
  const add = (state: State): number => states.push(state) - 1;
  return {
    get length() {
      return states[last]!.length;
    },
    push(token) {
      const { length } = states[last]!;
      const added = add({ length: length + 1, firstEnd: length, link: 0, next: new Map() });
      let p = last;
      last = added;
      for (; p !== NONE && !states[p]!.next.has(token); p = states[p]!.link)
        states[p]!.next.set(token, added);
      if (p === NONE) return;
      const q = states[p]!.next.get(token)!;
      const [from, to] = [states[p]!, states[q]!];
      if (to.length === from.length + 1) {
        states[added]!.link = q;
        return;
      }
      // The shorter sequences of q now occur in one place more: they become a state of their own.
      const shorter = add({ ...to, length: from.length + 1, next: new Map(to.next) });
      to.link = shorter;
      states[added]!.link = shorter;
      for (; p !== NONE && states[p]!.next.get(token) === q; p = states[p]!.link)
        states[p]!.next.set(token, shorter);
    },
    longestRepeat() {
      const link = states[last]!.link;
      if (link <= 0) return undefined;
      const { length, firstEnd } = states[link]!;
      return { length, end: firstEnd + 1 };
    },
  };
}
