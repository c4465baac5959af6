import { createTextStream, type Tokenizer } from "@fusewire/models";
import type { BatchCounts, BatchedText } from "../batch/batcher.ts";
import { type Scored, scoreOf } from "./logprobs.ts";
import { createStops } from "./stops.ts";

/** One token of an answer, and the text that became final with it: often none, or more than the token's own. */
export interface Piece {
  readonly token: number;
  readonly text: string;
  /** Where they were asked for. */
  readonly scored?: Scored;
}

/** How an answer ended. */
export interface AnswerEnd extends BatchCounts {
  readonly finish: "eos" | "stop_string" | "length";
  /** Text that only the end made final. */
  readonly rest: string;
}

export interface AnswerOptions {
  readonly tokenizer: Tokenizer;
  /** Texts before which an answer ends; they are not part of it. */
  readonly stop: readonly string[];
  /** Most likely tokens to name beside each one; undefined: no scores. */
  readonly top: number | undefined;
  /** End tokens and the like stay in the text. */
  readonly special: boolean;
}

/** The text of a row of the batch as it is made; it is left as soon as a stop text is found. */
export async function* answer(
  steps: BatchedText,
  { tokenizer, stop, top, special }: AnswerOptions,
): AsyncGenerator<Piece, AnswerEnd> {
  const text = createTextStream(tokenizer, { skip_special_tokens: !special, pieces: "characters" });
  const stops = createStops(stop);
  try {
    for (;;) {
      const { done, value } = await steps.next();
      if (done) {
        const { finish, ...counts } = value;
        const { out, found } = stops.push(text.end());
        return {
          ...counts,
          finish: found ? "stop_string" : finish === "stop" ? "eos" : "length",
          rest: found ? out : out + stops.end(),
        };
      }
      const { out, found } = stops.push(text.push([value.token]));
      yield {
        token: value.token,
        text: out,
        ...(value.logits && top !== undefined && { scored: scoreOf(value.logits, value.token, top) }),
      };
      if (found) return { ...value.counts, finish: "stop_string", rest: "" };
    }
  } finally {
    // A text that a stop text or its reader ends goes on in the batch until it is left.
    await steps.return(undefined as never);
  }
}
