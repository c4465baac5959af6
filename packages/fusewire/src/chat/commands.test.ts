import { expect, test } from "vitest";
import { type ChatState, type Effect, parseCommand } from "./commands.ts";
import type { AnswerSettings } from "./model.ts";

const MESSAGES = [
  { role: "system", content: "Be kind." },
  { role: "user", content: "Hi" },
  { role: "assistant", content: "Hello" },
];

const settingsFor = (): AnswerSettings => ({
  ...{ options: {}, space: { context: 100, reserve: 1 }, longest: 10, eos: [], sampling: "sampled" },
});

const run = async (line: string, state: ChatState = { messages: MESSAGES, files: [] }): Promise<Effect> =>
  parseCommand(line)!({ state, encode: () => [1], settingsFor });

test.each(["hello", "/usr/bin is what?", "/", "a /help", "/Help", "1/2"])("%j is a message", (line) => {
  expect(parseCommand(line)).toBeUndefined();
});

test.each(["/exit", "/quit", "/bye", " /exit "])("%j leaves", async (line) => {
  expect(await run(line)).toEqual({ leave: true });
});

test.each(["/reset", "/clear"])("%j keeps the system message only, and the model forgets", async (line) => {
  expect(await run(line)).toEqual({
    state: { messages: MESSAGES.slice(0, 1), files: [] },
    forget: true,
    say: "forgotten",
  });
});

test("/help and /? list everything in 40 columns", async () => {
  const { say } = await run("/help");
  for (const word of ["/reset", "/system TEXT", "/save FILE", "/load FILE", "/stats", "/exit", "Ctrl+C"])
    expect(say).toContain(word);
  for (const line of say!.split("\n")) expect(line.length).toBeLessThanOrEqual(40);
  expect(await run("/?")).toEqual({ say });
});

test("/system shows, sets over several lines, and takes away", async () => {
  expect((await run("/system")).say).toContain("system: Be kind.");
  const { state } = await run("/system Be brief.\nBe wise.");
  expect(state?.messages).toEqual([{ role: "system", content: "Be brief.\nBe wise." }, ...MESSAGES.slice(1)]);
  expect((await run('/system ""')).state?.messages).toEqual(MESSAGES.slice(1));
  expect((await run('/system "quoted"')).state?.messages[0]?.content).toBe("quoted");
});

test.each([
  ["/nope", "there is no /nope; /help lists what there is"],
  ["/save", "name the file: /save FILE"],
  ["/load", "name the file: /load FILE"],
  ["/load /no/such.json", "cannot read '/no/such.json' (ENOENT); check the name"],
  ["/save /no/such/folder.json", "cannot write '/no/such/folder.json' (ENOENT); give another place"],
  ["/retry", "there is no turn to take back"],
  ["/undo", "there is no turn to take back"],
  ["/set max_new_token 3", "/set: there is no 'max_new_token'; did you mean max_new_tokens?"],
  ["/set temperature", "/set temperature needs a value, or 'default'"],
  ["/set temperature warm", "temperature must be a number above 0, not 'warm'"],
  ["/set max_length 9", "/set: 'max_length' is fixed from the start"],
  ["/reset now", "/reset takes nothing after it"],
])("%s is refused", async (line, message) => {
  const state = { messages: [], files: [] };
  await expect((async () => run(line, state))()).rejects.toThrow(message);
});
