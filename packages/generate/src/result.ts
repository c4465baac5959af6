import type { BeamOutcome } from "./beams/hypotheses.ts";
import type { GivenCache } from "./cache/given_cache.ts";
import type { ModelInputs, Rows } from "./rows.ts";
import type { ScoreOutput } from "./scores/outputs.ts";
import type { GenerationStats } from "./stats.ts";
import type { GenerationStep, StepScores } from "./step.ts";
import type { FinishReason } from "./stopping/finish_reason.ts";

/** Scores of all rows, step by step. */
export type AllScores = readonly NonNullable<StepScores["scores"]>[];

/** What `generate` returns (Hugging Face GenerateDecoderOnlyOutput), with more of what a program wants to know. */
export interface GenerationResult extends Partial<BeamOutcome>, GivenCache {
  /** The input with its pads, then the new tokens, padded to one length: as Hugging Face returns them. */
  readonly sequences: number[][];
  /** New tokens alone, each row as long as it got. */
  readonly new_tokens: number[][];
  /** Why each row ended. */
  readonly finish_reason: FinishReason[];
  /** With output_scores: after all processing, `scores[step][row]`, f32 over the vocabulary. With beams a row is a beam. */
  readonly scores?: AllScores;
  /** With output_logits: the same as the model gave them. */
  readonly logits?: AllScores;
  /**
   * With output_logprobs, of each new token: the logarithm of its probability among those it was chosen from; with
   * beams, what it added to the sum of its text.
   */
  readonly logprobs?: number[][];
  readonly stats: GenerationStats;
}

/** Each row of the input with its new tokens behind it, all padded to the longest. */
export function joinSequences(
  input_ids: ModelInputs["input_ids"],
  newTokens: readonly (readonly number[])[],
  pad: number,
): number[][] {
  const longest = Math.max(...newTokens.map((row) => row.length));
  return newTokens.map((row, b) => [
    ...input_ids[b]!,
    ...row,
    ...new Array<number>(longest - row.length).fill(pad),
  ]);
}

/** What a generation has made so far. */
export interface Collected {
  readonly tokens: number[][];
  readonly logprobs: number[][];
  readonly scores: NonNullable<StepScores["scores"]>[];
  readonly logits: NonNullable<StepScores["logits"]>[];
  /** Milliseconds from the start to each step that had tokens. */
  readonly times: number[];
}

export const emptyCollection = (rows: number): Collected => ({
  tokens: Array.from({ length: rows }, () => []),
  logprobs: Array.from({ length: rows }, () => []),
  scores: [],
  logits: [],
  times: [],
});

/** Adds a step without what it holds of rows that were stopped before; what is left of it is returned. */
export function collect(
  into: Collected,
  { tokens, logprobs, ...rest }: GenerationStep,
  stopped: readonly boolean[],
  elapsed: number,
): GenerationStep {
  const kept = tokens.map((token, b) => (stopped[b] ? undefined : token));
  for (const [b, token] of kept.entries()) {
    if (token === undefined) continue;
    into.tokens[b]!.push(token);
    if (logprobs) into.logprobs[b]!.push(logprobs[b]!);
  }
  if (rest.scores) into.scores.push(rest.scores);
  if (rest.logits) into.logits.push(rest.logits);
  if (kept.some((token) => token !== undefined)) into.times.push(elapsed);
  return {
    ...rest,
    tokens: kept,
    ...(logprobs && { logprobs: logprobs.map((x, b) => (stopped[b] ? undefined : x)) }),
  };
}

/** The scores that were asked for. */
export const scoresOf = (
  { scores, logits, logprobs }: Collected,
  returns: readonly ScoreOutput[],
): Pick<GenerationResult, ScoreOutput> => ({
  ...(returns.includes("scores") && { scores }),
  ...(returns.includes("logits") && { logits }),
  ...(returns.includes("logprobs") && { logprobs }),
});

/** Milliseconds from the start to the first token and to the end, by the clock. */
export interface Times {
  readonly started: number;
  readonly firstToken: number;
  readonly ended: number;
}

/** What can be counted from the tokens and the clock. */
export function tokenStats(
  rows: Rows["rows"],
  newTokens: readonly (readonly number[])[],
  { started, firstToken, ended }: Times,
): Pick<GenerationStats, "prompt_tokens" | "new_tokens" | "time_to_first_token_ms" | "tokens_per_second"> {
  const total = newTokens.reduce((sum, row) => sum + row.length, 0);
  const after = total - newTokens.filter((row) => row.length > 0).length;
  return {
    prompt_tokens: rows.reduce((sum, row) => sum + row.length, 0),
    new_tokens: total,
    time_to_first_token_ms: firstToken - started,
    tokens_per_second: after > 0 ? after / ((ended - firstToken) / 1000) : 0,
  };
}
