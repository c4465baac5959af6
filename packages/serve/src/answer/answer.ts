import { createTextStream, type Tokenizer } from "@fusewire/models";
import type { BatchCounts, BatchedText } from "../batch/batch.ts";
import { type Scored, scoreOf } from "./logprobs.ts";
import { createStops } from "./stops.ts";

/** One token of an answer, and the text that became final with it: often none, or more than the token's own. */
export interface Piece {
  readonly token: number;
  readonly text: string;
  /** Where they were asked for. */
  readonly scored?: Scored;
  /** Set on the last one. */
  readonly end?: AnswerEnd;
}

/** How an answer ended. */
export interface AnswerEnd extends BatchCounts {
  readonly finish: "eos" | "stop_string" | "length";
  /** The stop text that ended it. */
  readonly stop?: string;
}

export interface AnswerOptions {
  readonly tokenizer: Tokenizer;
  /** Texts at which an answer ends; part of it only where `keepStop` says so. */
  readonly stop: readonly string[];
  readonly keepStop?: boolean;
  /** Most likely tokens to name beside each one; undefined: no scores. */
  readonly top: number | undefined;
  /** End tokens and the like stay in the text. */
  readonly special: boolean;
}

/** The text of a row of the batch as it is made; the row is left as soon as a stop text is found. */
export async function* answer(
  steps: BatchedText,
  { tokenizer, stop, keepStop = false, top, special }: AnswerOptions,
): AsyncGenerator<Piece, void> {
  const stream = createTextStream(tokenizer, { skip_special_tokens: !special, pieces: "characters" });
  const stops = createStops(stop, keepStop);
  try {
    for await (const { token, logits, counts, finish } of steps) {
      const pushed = stops.push(stream.push([token]));
      // What was held back, for more bytes or as a stop text's beginning, is final with the last token.
      const last =
        finish && pushed.found === undefined ? stops.push(stream.end()) : { out: "", found: undefined };
      const found = pushed.found ?? last.found;
      const text = pushed.out + last.out + (finish && found === undefined ? stops.end() : "");
      const reason = found !== undefined ? "stop_string" : finish === "stop" ? "eos" : finish;
      yield {
        ...{ token, text },
        ...(logits && top !== undefined && { scored: scoreOf(logits, token, top) }),
        ...(reason && { end: { ...counts, finish: reason, ...(found !== undefined && { stop: found }) } }),
      };
      if (found !== undefined) return;
    }
  } finally {
    // A text that a stop text or its reader ends goes on in the batch until it is left.
    await steps.return(undefined as never);
  }
}
