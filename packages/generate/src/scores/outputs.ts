import { floats, gather, type Node, numbersOf, reshape } from "@fusewire/ir";
import type { Outputs } from "@fusewire/passes";
import { logSoftmax } from "../processors/masks.ts";
import type { StepScores } from "../step.ts";

/** What a step may return beside tokens: scores before and after processing, and how likely the chosen token was. */
export type ScoreOutput = "logits" | "scores" | "logprobs";

/** The outputs of a step of B rows: logits and scores f32[B, V], and logprobs f32[B]. */
export function scoreOutputs(
  returns: readonly ScoreOutput[],
  { logits, processed, token }: { readonly logits: Node; readonly processed: Node; readonly token: Node },
): Record<string, Node> {
  const batch = token.type.shape[0]!;
  const nodeOf = (output: ScoreOutput): Node => {
    switch (output) {
      case "logits":
        return logits;
      case "scores":
        return processed;
      case "logprobs":
        return reshape(gather(logSoftmax(processed), reshape(token, [batch, 1]), 1), [batch]);
    }
  };
  return Object.fromEntries(returns.map((output) => [output, nodeOf(output)]));
}

/** The scores that a step returned, row by row; none for rows that had ended. */
export function readScores(outputs: Outputs, live: readonly boolean[]): StepScores {
  const rowsOf = (name: ScoreOutput) => {
    const value = outputs.get(name);
    if (!value) return undefined;
    const size = value.type.shape[1]!;
    return live.map((here, b) => (here ? floats(value).slice(b * size, (b + 1) * size) : undefined));
  };
  const [scores, logits] = [rowsOf("scores"), rowsOf("logits")];
  const chosen = outputs.get("logprobs");
  const logprobs = chosen && numbersOf(chosen);
  return {
    ...(scores && { scores }),
    ...(logits && { logits }),
    ...(logprobs && { logprobs: live.map((here, b) => (here ? logprobs[b] : undefined)) }),
  };
}
