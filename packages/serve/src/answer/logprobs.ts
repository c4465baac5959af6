/** How likely a token was among all, by the model's own scores. */
export interface Likely {
  readonly token: number;
  /** Natural logarithm of the probability. */
  readonly logprob: number;
}

/** A chosen token and those that were most likely in its place. */
export interface Scored extends Likely {
  readonly top: readonly Likely[];
}

/** Reads f32[V] scores: log softmax at the token, and of the `count` best, the best first; of equal ones the smaller id. */
export function scoreOf(logits: Float32Array, token: number, count: number): Scored {
  const largest = logits.reduce((most, score) => Math.max(most, score), -Infinity);
  const total = largest + Math.log(logits.reduce((sum, score) => sum + Math.exp(score - largest), 0));
  const best: number[] = [];
  if (count > 0)
    for (const [id, score] of logits.entries()) {
      if (best.length === count && score <= logits[best.at(-1)!]!) continue;
      const place = best.findIndex((other) => logits[other]! < score);
      best.splice(place < 0 ? best.length : place, 0, id);
      if (best.length > count) best.pop();
    }
  const likely = (id: number): Likely => ({ token: id, logprob: logits[id]! - total });
  return { ...likely(token), top: best.map(likely) };
}
