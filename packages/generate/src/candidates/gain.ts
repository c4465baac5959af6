/** How a generation with `speculation: "auto"` went on. */
export interface SpeculationStats {
  /** Whether tokens were still drafted at the end. */
  readonly active: boolean;
  /** What was measured. */
  readonly reason: string;
}

/** Measures whether drafting is worth its time. */
export interface Gain {
  /** Whether the next round should draft. */
  drafts(): boolean;
  /** A round of so many milliseconds: whether anything was drafted in it, and tokens that a row gained on average. */
  record(round: { readonly drafted: boolean; readonly ms: number; readonly gained: number }): void;
  stats(): SpeculationStats;
}

/** Plain steps timed before the first drafts. */
const PLAIN_STEPS = 3;
/** Rounds that are looked back upon, and how many of them it takes to judge. */
const WINDOW = 8;
const ENOUGH = 4;
/** Rounds in a row that must lose before drafting ends, so that a slow moment does not end it. */
const PATIENCE = 3;

/**
 * Compares the tokens a round gains with those that plain steps would have made in its time. Times are medians, for
 * now and then a program is compiled in a round; gains are means. Once it has lost for some rounds, drafting ends for
 * the rest of the generation.
 */
export function measureGain(): Gain {
  const plain: number[] = [];
  const rounds: { readonly ms: number; readonly gained: number }[] = [];
  let losses = 0;

  const figures = () => {
    const recent = rounds.slice(-WINDOW);
    const gained = recent.reduce((sum, round) => sum + round.gained, 0) / recent.length;
    const [step, round] = [median(plain), median(recent.map(({ ms }) => ms))];
    return { gained, step, round, speedup: (gained * step) / round };
  };
  const lost = () => losses >= PATIENCE;
  return {
    drafts: () => plain.length >= PLAIN_STEPS && !lost(),
    record({ drafted, ms, gained }) {
      if (!drafted) {
        plain.push(ms);
        return;
      }
      rounds.push({ ms, gained });
      if (rounds.length < ENOUGH) return;
      losses = figures().speedup < 1 ? losses + 1 : 0;
    },
    stats() {
      if (rounds.length === 0) return { active: true, reason: "nothing was drafted yet" };
      const { gained, step, round, speedup } = figures();
      return {
        active: !lost(),
        reason: `${gained.toFixed(2)} tokens in a round of ${round.toFixed(2)} ms, where a plain step takes ${step.toFixed(2)} ms: ${speedup.toFixed(2)} times as fast${lost() ? `; drafting ended after ${rounds.length} rounds` : ""}`,
      };
    },
  };
}

function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  return (sorted[Math.ceil(middle) - 1]! + sorted[Math.floor(middle)]!) / 2;
}
