/** Greedy, so that the same beginning gives the same story; the penalty keeps a small model from going in circles. */
export const OPTIONS = { repetition_penalty: 1.2, max_new_tokens: 160 };
