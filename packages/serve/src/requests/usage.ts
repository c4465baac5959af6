import type { BatchCounts } from "../batch/batch.ts";

/** The number of tokens, as OpenAI's routes report it; prompts of several answers count once. */
export function usageOf(
  answers: readonly BatchCounts[],
  prompts: readonly BatchCounts[] = answers.slice(0, 1),
) {
  const sum = (of: (counts: BatchCounts) => number, all: readonly BatchCounts[]) =>
    all.reduce((total, counts) => total + of(counts), 0);
  const prompt_tokens = sum((counts) => counts.prompt_tokens, prompts);
  const completion_tokens = sum((counts) => counts.new_tokens, answers);
  return {
    prompt_tokens,
    completion_tokens,
    total_tokens: prompt_tokens + completion_tokens,
    prompt_tokens_details: { cached_tokens: sum((counts) => counts.cached_tokens, prompts) },
  };
}
