import { Readable } from "node:stream";
import { DynamicCache } from "@fusewire/generate";
import { embeddedModel } from "@fusewire/models/node";
import { afterAll, beforeAll, expect, test } from "vitest";
import { AutoModelForCausalLM, AutoTokenizer, type PretrainedModel } from "./auto.ts";
import { streamText } from "./stream_text.ts";
import { TextIteratorStreamer } from "./text_streamer.ts";

const PROMPT = "Once upon a time";
const tokenizer = await AutoTokenizer.from_pretrained(embeddedModel("tales"));
let model: PretrainedModel;
beforeAll(async () => {
  model = await AutoModelForCausalLM.from_pretrained(embeddedModel("tales"), { device: "wasm", threads: 1 });
});
afterAll(() => model.dispose());

const text = (options = {}) => streamText(model, tokenizer, PROMPT, { max_new_tokens: 12, ...options });

test("the result is there at the end of `for await`", async () => {
  const stream = text();
  let all = "";
  for await (const piece of stream) all += piece;
  const { new_tokens, stats } = await stream.result;
  expect(tokenizer.decode(new_tokens[0]!)).toBe(all);
  expect(stats.new_tokens).toBe(12);
});

test.each<[string, (stream: ReturnType<typeof text>) => Promise<void>]>([
  [
    "break",
    async (stream) => {
      for await (const _ of stream) break;
    },
  ],
  [
    "an error of the reader",
    async (stream) => {
      await expect(
        (async () => {
          for await (const _ of stream) throw new Error("mine");
        })(),
      ).rejects.toThrow("mine");
    },
  ],
  [
    "a cancelled ReadableStream",
    async (stream) => {
      const reader = Readable.toWeb(Readable.from(stream)).getReader();
      await reader.read();
      await reader.cancel();
      // Node does not wait for what it cancels.
      await stream.return(undefined as never);
    },
  ],
])("left early by %s: the generation ends and frees what it held", async (_, leave) => {
  const past_key_values = new DynamicCache();
  const stream = text({ past_key_values, max_new_tokens: 50 });
  await leave(stream);
  await expect(stream.result).rejects.toThrow(/left before its end|aborted|mine/);
  // A cache of the caller's is free for the next call.
  const { stats } = await model.generate(tokenizer(PROMPT), { past_key_values, max_new_tokens: 2 });
  expect(stats.cached_tokens).toBeGreaterThan(0);
  // The model's own cache serves the next text: leaving makes no second one.
  await leave(text());
  const held = model.runtime.engine.held();
  for (let again = 0; again < 3; again++) await leave(text());
  expect(model.runtime.engine.held()).toEqual(held);
});

test("left while a piece is awaited: the step under way is the last", async () => {
  const past_key_values = new DynamicCache();
  const stream = text({ past_key_values });
  const piece = expect(stream.next()).rejects.toThrow("left before its end");
  await stream.return(undefined as never);
  await piece;
  await expect(stream.result).rejects.toThrow("left before its end");
  expect(past_key_values.get_seq_length()).toBe(0);
  const { stats } = await model.generate(tokenizer(PROMPT), { past_key_values, max_new_tokens: 2 });
  expect(stats.new_tokens).toBe(2);
});

test("left before it began: nothing is computed, and the result says so", async () => {
  const stream = text();
  await stream.return(undefined as never);
  await expect(stream.result).rejects.toThrow("left before its end");
  expect(await stream.next()).toEqual({ done: true, value: undefined });
});

test("a signal of the caller ends it as well", async () => {
  const controller = new AbortController();
  const stream = text({ signal: controller.signal, max_new_tokens: 50 });
  await stream.next();
  controller.abort(new Error("enough"));
  await expect(async () => {
    for await (const _ of stream);
  }).rejects.toThrow("enough");
  await expect(stream.result).rejects.toThrow("enough");
});

test("what fails fails the stream and its result", async () => {
  const stream = text({ temperature: -1 });
  await expect(stream.next()).rejects.toThrow("temperature");
  await expect(stream.result).rejects.toThrow("temperature");
});

test("a streamer ends with a generation that was refused", async () => {
  const streamer = new TextIteratorStreamer(tokenizer);
  const generation = model.generate(tokenizer(PROMPT), { streamer, max_new_tokens: -1 });
  const refused = expect(generation).rejects.toThrow("max_new_tokens");
  for await (const _ of streamer) expect.unreachable();
  await refused;
});
