import type { Tokenizer } from "@fusewire/models";
import { loadTokenizer } from "@fusewire/models";
import { embeddedModel, openModelDirectory } from "@fusewire/models/node";
import { expect, test } from "vitest";
import { answer } from "./answer.ts";
import type { AnswerSettings, ChatModel } from "./model.ts";

const SETTINGS: AnswerSettings = {
  ...{ options: {}, space: { context: 100, reserve: 1 }, longest: 50, eos: [], sampling: "" },
};

/** Says these tokens, then is stopped. */
const stoppedAfter = (ids: readonly number[], controller: AbortController): ChatModel => ({
  async *stream() {
    for (const id of ids) yield { tokens: [id] };
    controller.abort();
    throw controller.signal.reason;
  },
  reset: () => undefined,
});

async function heard(tokenizer: Tokenizer, ids: readonly number[]): Promise<string> {
  const controller = new AbortController();
  const pieces: string[] = [];
  const model = stoppedAfter(ids, controller);
  const { signal } = controller;
  const given = await answer(model, tokenizer, [1], SETTINGS, signal, (piece) => pieces.push(piece));
  expect(given.end).toBe("stopped");
  expect(pieces.join("")).toBe(given.text);
  return given.text;
}

test("a stopped answer never ends in half a character", async () => {
  const tokenizer = await loadTokenizer(await openModelDirectory(embeddedModel("tales")));
  const text = "Look: \u{1f600}\u732b\u0e41\u0e21\u0e27";
  const ids = tokenizer.encode(text, { add_special_tokens: false });
  for (let length = 1; length <= ids.length; length++) {
    const shown = await heard(tokenizer, ids.slice(0, length));
    expect(text.startsWith(shown)).toBe(true);
  }
  expect(await heard(tokenizer, ids)).toBe(text);
});
