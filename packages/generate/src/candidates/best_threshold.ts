/** A draft's probability where it was drawn, and whether it was right. */
export interface Judged {
  readonly probability: number;
  readonly right: boolean;
}

/**
 * The confidence below which to stop drafting: of the probabilities seen, the one that keeps apart right and wrong
 * drafts at the least cost, false positives (wrong drafts at or above it) counted once and false negatives (right ones
 * below it) three times, as shares of their kind; of equals the highest. Undefined before there are six drafts of both
 * kinds. Hugging Face AssistedCandidateGenerator.update_candidate_strategy, which reads it off the ROC curve.
 */
export function bestThreshold(judged: readonly Judged[]): number | undefined {
  const positives = judged.filter(({ right }) => right).length;
  const negatives = judged.length - positives;
  if (judged.length <= 5 || positives === 0 || negatives === 0) return undefined;
  const falling = [...judged].sort((a, b) => b.probability - a.probability);
  let [truePositives, falsePositives] = [0, 0];
  let best: { readonly cost: number; readonly threshold: number } | undefined;
  for (const [k, { probability, right }] of falling.entries()) {
    if (right) truePositives += 1;
    else falsePositives += 1;
    if (falling[k + 1]?.probability === probability) continue;
    const cost = falsePositives / negatives + 3 * (1 - truePositives / positives);
    if (!best || cost < best.cost) best = { cost, threshold: probability };
  }
  return best?.threshold;
}

/**
 * What is learnt from a row's drafts, of which the first `accepted` were right: those, and the first wrong one. Nothing
 * is known of the drafts behind it.
 */
export const judge = (probabilities: readonly number[], accepted: number): Judged[] =>
  probabilities
    .slice(0, accepted + 1)
    .map((probability, place) => ({ probability, right: place < accepted }));
