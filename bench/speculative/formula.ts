import type { Round } from "@fusewire/generate";

/** The chance that a draft is right, of those that were judged: all that were, and of each round the first wrong one. */
export function acceptance(rounds: readonly Round[]): number {
  const accepted = rounds.reduce((sum, round) => sum + round.accepted, 0);
  const wrong = rounds.filter(({ accepted: right, drafted }) => right < drafted).length;
  return accepted / (accepted + wrong);
}

/** Costs in steps of the model that decode one token. */
export interface Costs {
  /** A step of the draft. */
  readonly draft: number;
  /** A step that verifies g drafts. */
  readonly verify: (drafts: number) => number;
}

/**
 * How many times as fast g drafts a round are at best: tokens of a round over its cost, (1 - a^(g+1)) / ((1 - a)(g c + v))
 * (Leviathan et al. 2022, theorem 3.8, with the cost of verification as measured).
 */
export function speedup(a: number, g: number, { draft, verify }: Costs): number {
  const tokens = a === 1 ? g + 1 : (1 - a ** (g + 1)) / (1 - a);
  return tokens / (g * draft + verify(g));
}

/** The same for rounds as they were: those without drafts are plain steps. */
export function speedupOf(rounds: readonly Round[], { draft, verify }: Costs): number {
  const tokens = rounds.reduce((sum, { accepted }) => sum + accepted + 1, 0);
  const cost = rounds.reduce(
    (sum, { drafted }) => sum + (drafted === 0 ? 1 : drafted * draft + verify(drafted)),
    0,
  );
  return tokens / cost;
}
