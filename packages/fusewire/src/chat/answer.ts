import type { GenerationStats } from "@fusewire/generate";
import { createTextStream, type Tokenizer } from "@fusewire/models";
import type { AnswerSettings, ChatModel } from "./model.ts";

/** What came of one turn. */
export interface Answer {
  readonly text: string;
  readonly tokens: number;
  /** `ended`: the model said so; `limit`: as long as was asked for; `full`: no position is left; `stopped`: by Ctrl+C. */
  readonly end: "ended" | "limit" | "full" | "stopped";
  /** Absent where it was stopped. */
  readonly stats?: GenerationStats;
}

/** Generates the answer after `ids`, telling each piece of its text as it comes. */
export async function answer(
  model: ChatModel,
  tokenizer: Tokenizer,
  ids: readonly number[],
  { options, space, longest, eos }: AnswerSettings,
  signal: AbortSignal,
  tell: (piece: string) => void,
): Promise<Answer> {
  const room = space.context - ids.length;
  const stream = createTextStream(tokenizer, { skip_special_tokens: true });
  let text = "";
  const push = (piece: string) => {
    text += piece;
    if (piece !== "") tell(piece);
  };
  const tokens: number[] = [];
  const steps = model.stream(ids, { ...options, max_new_tokens: Math.min(longest, room), signal });
  try {
    for (;;) {
      const { done, value } = await steps.next();
      if (done) {
        push(wholeCharacters(stream.end()));
        const ended = eos.includes(tokens.at(-1) ?? -1);
        const end = ended ? "ended" : room < longest ? "full" : "limit";
        return { text, tokens: tokens.length, end, stats: value.stats };
      }
      const step = value.tokens.filter((token) => token !== undefined);
      tokens.push(...step);
      push(stream.push(step));
    }
  } catch (error) {
    if (!signal.aborted || error !== signal.reason) throw error;
    push(wholeCharacters(stream.end()));
    return { text, tokens: tokens.length, end: "stopped" };
  }
}

/** The end of a text without the mark of a character whose last bytes were not generated. */
const wholeCharacters = (text: string): string => text.replace(/\ufffd+$/, "");
