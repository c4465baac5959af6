/**
 * The chance of seeing counts at least this far from the expected probabilities (Pearson's chi-square test). Bins
 * expected fewer than five times are merged; the tail is Wilson and Hilferty's normal approximation (1931).
 */
export function chiSquare(counts: ArrayLike<number>, probabilities: ArrayLike<number>): number {
  let draws = 0;
  for (let i = 0; i < counts.length; i++) draws += counts[i]!;
  let statistic = 0;
  let bins = 0;
  let [seen, expected] = [0, 0];
  for (let i = 0; i < counts.length; i++) {
    if (probabilities[i] === 0 && counts[i]! > 0) return 0;
    seen += counts[i]!;
    expected += probabilities[i]! * draws;
    if (expected < 5 && i < counts.length - 1) continue;
    if (expected > 0) statistic += (seen - expected) ** 2 / expected;
    bins += expected > 0 ? 1 : 0;
    [seen, expected] = [0, 0];
  }
  const freedom = Math.max(1, bins - 1);
  const z = (Math.cbrt(statistic / freedom) - (1 - 2 / (9 * freedom))) / Math.sqrt(2 / (9 * freedom));
  return normalTail(z);
}

/** P(Z > z), Abramowitz and Stegun 26.2.17. */
function normalTail(z: number): number {
  const t = 1 / (1 + 0.2316419 * Math.abs(z));
  const density = Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI);
  const tail =
    density *
    t *
    (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
  return z >= 0 ? tail : 1 - tail;
}
