import { PassThrough } from "node:stream";
import { setImmediate as turn } from "node:timers/promises";
import { expect, onTestFinished, test } from "vitest";
import type { LineReader } from "../io.ts";
import { createLineReader } from "./line_reader.ts";

const CTRL_C = "\u0003";
const CTRL_D = "\u0004";
const PASTE = (text: string) => `\u001b[200~${text}\u001b[201~`;

/** A terminal without the terminal: keys go in, and what would be on the screen comes out. */
function terminal() {
  const input = new PassThrough();
  const output = Object.assign(new PassThrough(), { columns: 80 });
  let screen = "";
  output.on("data", (data) => {
    screen += String(data);
  });
  const interrupts = () => new AbortController().signal;
  const reader = createLineReader({ input, output, terminal: true, interrupts });
  onTestFinished(() => reader.close());
  const type = async (keys: string) => {
    input.write(keys);
    await turn();
  };
  return { reader, type, output, screen: () => screen, forget: () => (screen = "") };
}

const line = (text: string) => ({ kind: "line", text });

test("lines of a pipe, of any line ends, then the end for ever", async () => {
  const input = new PassThrough();
  const output = new PassThrough();
  const { signal } = new AbortController();
  const reader = createLineReader({ input, output, terminal: false, interrupts: () => signal });
  input.end("one\r\ntwo\n\nlast");
  const next = () => reader.next(">>> ");
  expect([await next(), await next(), await next(), await next(), await next(), await next()]).toEqual([
    ...["one", "two", "", "last"].map(line),
    { kind: "end" },
    { kind: "end" },
  ]);
  expect(await reader.during(async (given) => given === signal)).toBe(true);
  expect(output.read()).toBeNull();
});

test("a person sees the prompt and what is typed, and can go back to earlier lines", async () => {
  const { reader, type, screen } = terminal();
  const first = reader.next(">>> ");
  await type("hello\r");
  expect(await first).toEqual(line("hello"));
  expect(screen()).toContain(">>> ");
  expect(screen()).toContain("hello");
  const second = reader.next(">>> ");
  await type("\u001b[A\r");
  expect(await second).toEqual(line("hello"));
});

test("Ctrl+C drops what was typed, and says whether there was any", async () => {
  const { reader, type, screen } = terminal();
  const first = reader.next(">>> ");
  await type(`half${CTRL_C}`);
  expect(await first).toEqual({ kind: "interrupt", dropped: true });
  expect(screen()).toMatch(/\^C\n$/);
  const second = reader.next(">>> ");
  await type(CTRL_C);
  expect(await second).toEqual({ kind: "interrupt", dropped: false });
  const third = reader.next(">>> ");
  await type("new\r");
  expect(await third).toEqual(line("new"));
});

test("Ctrl+C stops work, and what is typed meanwhile waits unseen", async () => {
  const { reader, type, screen, forget } = terminal();
  forget();
  let stopped = false;
  await reader.during(async (signal) => {
    await type("whole\rbeg");
    expect(signal.aborted).toBe(false);
    await type(CTRL_C);
    stopped = signal.aborted;
  });
  expect(stopped).toBe(true);
  expect(screen()).toBe("");
  expect(await reader.next(">>> ")).toEqual(line("whole"));
  expect(screen()).toBe(">>> whole\n");
  const next = reader.next(">>> ");
  await type("un\r");
  expect(await next).toEqual(line("begun"));
});

test("what is pasted is one message, sent by Enter", async () => {
  const { reader, type } = terminal();
  const next = reader.next(">>> ");
  await type(PASTE("one\r  two\rthr"));
  await type("ee\r");
  expect(await next).toEqual(line("one\n  two\nthree"));
});

test("a paste during work is shown and sent afterwards", async () => {
  const { reader, type, screen } = terminal();
  await reader.during(() => type(PASTE("one\rtwo")));
  const next = reader.next(">>> ");
  expect(screen()).toContain(">>> one\n");
  await type("!\r");
  expect(await next).toEqual(line("one\ntwo!"));
});

test.each<[string, (reader: LineReader, type: (keys: string) => Promise<void>) => Promise<unknown>]>([
  ["at a prompt", (reader, type) => Promise.all([reader.next(">>> "), type(CTRL_D)])],
  [
    "during work",
    async (reader, type) => {
      await reader.during(async (signal) => {
        await type(CTRL_D);
        expect(signal.aborted).toBe(true);
      });
    },
  ],
])("Ctrl+D leaves %s, and gives the terminal back", async (_, leave) => {
  const { reader, type, screen, output } = terminal();
  await leave(reader, type);
  expect(await reader.next(">>> ")).toEqual({ kind: "end" });
  expect(screen()).toContain("\u001b[?2004l");
  expect(output.listenerCount("resize")).toBe(0);
});
