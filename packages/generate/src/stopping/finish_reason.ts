import type { Tokenizer } from "@fusewire/models";

/**
 * Why a row ended: by an end token (`stop`), a stop string, its length, `max_time`, or because a stopping criterion of
 * the caller said so (`aborted`). A generation whose `signal` was aborted has no result; it rejects.
 */
export type FinishReason = "stop" | "length" | "stop_string" | "time" | "aborted";

/** Stop strings and the tokenizer that knows the text of tokens. */
export interface StopStrings {
  readonly tokenizer: Pick<Tokenizer, "token_bytes">;
  readonly strings: readonly string[];
}

/** A row at its end. */
export interface FinishedRow {
  readonly prompt: readonly number[];
  readonly newTokens: readonly number[];
  readonly maxNewTokens: number;
  readonly eos: readonly number[];
  readonly stopStrings: StopStrings | undefined;
  /** Why the host stopped the row, where it did. */
  readonly stopped: FinishReason | undefined;
}

/** What ended the row. Of several things that did so with one token, what the text says goes first. */
export function finishReason(row: FinishedRow): FinishReason {
  const { prompt, newTokens, maxNewTokens, eos, stopStrings, stopped } = row;
  const last = newTokens.at(-1);
  if (last !== undefined && eos.includes(last)) return "stop";
  if (last !== undefined && stopStrings && endsInString([...prompt, ...newTokens], stopStrings))
    return "stop_string";
  return newTokens.length >= maxNewTokens ? "length" : (stopped ?? "length");
}

/** Whether the last token completes one of the strings, whatever it holds behind it; as programs find it on the device. */
function endsInString(tokens: readonly number[], { tokenizer, strings }: StopStrings): boolean {
  const targets = strings.map((text) => new TextEncoder().encode(text));
  const wanted = Math.max(...targets.map((target) => target.length));
  const last = tokenizer.token_bytes(tokens.at(-1)!) ?? new Uint8Array();
  const pieces: Uint8Array[] = [last];
  // Bytes before the last token, as far back as a string that it completes can reach.
  for (let i = tokens.length - 2, length = 0; i >= 0 && length < wanted - 1; i--) {
    const piece = tokenizer.token_bytes(tokens[i]!) ?? new Uint8Array();
    pieces.unshift(piece);
    length += piece.length;
  }
  const text = pieces.flatMap((piece) => [...piece]);
  const before = text.length - last.length;
  return targets.some((target) =>
    text.some((_, at) => at + target.length > before && target.every((byte, i) => text[at + i] === byte)),
  );
}
