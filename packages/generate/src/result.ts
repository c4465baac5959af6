import type { ModelInputs, Rows } from "./rows.ts";
import type { GenerationStats } from "./stats.ts";

export interface GenerationResult {
  /** The input with its pads, then the new tokens, padded to one length: as Hugging Face returns them. */
  readonly sequences: number[][];
  /** New tokens alone, each row as long as it got. */
  readonly new_tokens: number[][];
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

/** Milliseconds from the start to the first token and to the end, by the clock. */
export interface Times {
  readonly started: number;
  readonly firstToken: number;
  readonly ended: number;
}

/** What can be counted from the tokens and the clock. */
export function tokenStats(
  { rows }: Rows,
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
