/** Greedy, so that the same beginning gives the same story; the penalty keeps a small model from going in circles. */
export const OPTIONS = { repetition_penalty: 1.2, max_new_tokens: 160 };

/** The first story of a visit is the likeliest; each later one is drawn, by a seed that tells it again. */
export const storyOptions = (seed: number) =>
  seed === 0 ? OPTIONS : { ...OPTIONS, do_sample: true, temperature: 0.8, top_p: 0.95, seed };
