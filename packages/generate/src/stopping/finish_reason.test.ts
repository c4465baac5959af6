import { expect, test } from "vitest";
import { type FinishedRow, finishReason } from "./finish_reason.ts";

const TEXTS = ["", "ab", "c", "cd", "bc!", "e", "b"];
const tokenizer = {
  token_bytes: (id: number) => (id < TEXTS.length ? new TextEncoder().encode(TEXTS[id]) : undefined),
};
const row = (more: Partial<FinishedRow>): FinishedRow => ({
  prompt: [1],
  newTokens: [5, 5],
  maxNewTokens: 8,
  eos: [9],
  stopStrings: undefined,
  stopped: undefined,
  ...more,
});
const stops = (...strings: string[]) => ({ tokenizer, strings });

test.each<[Partial<FinishedRow>, string]>([
  [{ newTokens: [5, 9] }, "stop"],
  [{ newTokens: [5, 5], maxNewTokens: 2 }, "length"],
  [{ newTokens: [5, 9], maxNewTokens: 2 }, "stop"],
  [{ stopped: "time" }, "time"],
  [{ stopped: "aborted" }, "aborted"],
  // What ended the row goes before what the host says to all rows afterwards.
  [{ newTokens: [5, 9], stopped: "time" }, "stop"],
  [{ newTokens: [5, 5], maxNewTokens: 2, stopped: "time" }, "length"],
  // A beam that found nothing has its prompt alone.
  [{ newTokens: [] }, "length"],
])("%j ends by %s", (more, reason) => {
  expect(finishReason(row(more))).toBe(reason);
});

test.each<[string[], number[], number[], string]>([
  [["cd"], [1], [5, 3], "stop_string"],
  // Begun in the prompt, over a token without text and one without bytes, and ended within the last token.
  [["abbc"], [1], [0, 77, 4], "stop_string"],
  [["bc"], [5], [4], "stop_string"],
  [["x", "abc"], [1], [2], "stop_string"],
  // Complete before the last token: that did not end the row.
  [["ab"], [5], [1, 2], "length"],
  [["abc"], [1], [5, 2], "length"],
])("stop strings %j behind %j and %j: %s", (strings, prompt, newTokens, reason) => {
  expect(finishReason(row({ prompt, newTokens, stopStrings: stops(...strings) }))).toBe(reason);
  expect(
    finishReason(row({ prompt, newTokens, maxNewTokens: newTokens.length, stopStrings: stops(...strings) })),
  ).toBe(reason);
});
