import { expect, test } from "vitest";
import { type Conversation, type EncodeChat, fit, withSystem } from "./conversation.ts";

/** One token a character of content, and one for each message. */
const encode: EncodeChat = (messages) =>
  messages.flatMap(({ content }) => new Array<number>(content.length + 1).fill(0));

const user = (content: string) => ({ role: "user", content });
const assistant = (content: string) => ({ role: "assistant", content });
const system = { role: "system", content: "be" };
const CHAT: Conversation = [
  system,
  user("aaaa"),
  assistant("bbbb"),
  user("cccc"),
  assistant("dddd"),
  user("eeee"),
];

test.each<[string, number, number, Conversation]>([
  ["all of it fits", 38, 10, CHAT],
  ["the oldest turn goes first", 37, 10, [system, ...CHAT.slice(3)]],
  ["several turns go", 18, 10, [system, user("eeee")]],
  ["an answer with less room is better than none", 9, 10, [system, user("eeee")]],
])("%s", (_, context, reserve, messages) => {
  const fitted = fit(CHAT, encode, { context, reserve });
  expect(fitted.messages).toEqual(messages);
  expect(fitted.dropped).toBe(CHAT.length - messages.length);
  expect(fitted.ids).toEqual(encode(messages));
});

test("a message that leaves no room is refused with the numbers", () => {
  expect(() => fit(CHAT, encode, { context: 8, reserve: 2 })).toThrow(
    "the message takes 8 tokens with the system message, and the model holds 8 with the answer; shorten it",
  );
});

test("the system message is replaced or taken away, the rest stays", () => {
  const rest = CHAT.slice(1);
  expect(withSystem(CHAT, "new")).toEqual([{ role: "system", content: "new" }, ...rest]);
  expect(withSystem(CHAT, undefined)).toEqual(rest);
  expect(withSystem(rest, "new")).toEqual([{ role: "system", content: "new" }, ...rest]);
});
