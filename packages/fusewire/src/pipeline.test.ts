import { embeddedModel } from "@fusewire/models/node";
import { afterAll, describe, expect, test } from "vitest";
import { pipeline } from "./pipeline.ts";
import { streamText } from "./stream_text.ts";

const generator = await pipeline("text-generation", embeddedModel("tales"), { device: "wasm", threads: 1 });
afterAll(() => generator.dispose());

const greedy = { max_new_tokens: 12, do_sample: false };
const FOX = [{ role: "user", content: "Tell me about a fox." }];
const ANSWER = "Once upon a time, there was a fox who was very";

// Texts of pipeline("text-generation", …) of transformers 5.24 with the embedded model.
describe("what Hugging Face's pipeline returns", () => {
  test("for a text", async () => {
    const text = " there was a little girl named Lily. She loved to play";
    expect(await generator("Once upon a time", greedy)).toEqual([
      { generated_text: `Once upon a time${text}` },
    ]);
    expect(await generator("Once upon a time", { ...greedy, return_full_text: false })).toEqual([
      { generated_text: text },
    ]);
  });

  test("for several texts, of several lengths", async () => {
    expect(await generator(["Once upon a time", "The dog"], greedy)).toEqual([
      [{ generated_text: "Once upon a time there was a little girl named Lily. She loved to play" }],
      [{ generated_text: 'The dog was very happy and said, "Thank you, my lo' }],
    ]);
  });

  test("for a conversation", async () => {
    expect(await generator(FOX, greedy)).toEqual([
      { generated_text: [...FOX, { role: "assistant", content: ANSWER }] },
    ]);
    expect(await generator(FOX, { ...greedy, return_full_text: false })).toEqual([
      { generated_text: ANSWER },
    ]);
  });

  test("for one that ends in an answer, which goes on", async () => {
    const begun = [...FOX, { role: "assistant", content: "A fox was" }];
    const content = "A fox was walking in the forest when she heard a voice. She looked";
    expect(await generator(begun, greedy)).toEqual([
      { generated_text: [...FOX, { role: "assistant", content }] },
    ]);
  });

  test("for several conversations", async () => {
    const dog = [{ role: "user", content: "A dog." }];
    const content = "Once upon a time, there was a little girl named Lily";
    expect(await generator([FOX, dog], greedy)).toEqual([
      [{ generated_text: [...FOX, { role: "assistant", content: ANSWER }] }],
      [{ generated_text: [...dog, { role: "assistant", content }] }],
    ]);
  });
});

test("without options tokens are drawn, 256 at most; several texts of a prompt are a list", async () => {
  const drawn = await generator("Once", { num_return_sequences: 3, max_new_tokens: 8, seed: 1 });
  expect(drawn).toHaveLength(3);
  expect(new Set(drawn.map(({ generated_text }) => generated_text)).size).toBeGreaterThan(1);
  let tokens = 0;
  await generator("Once", { eos_token_id: [], streamer: { put: (ids) => (tokens += ids.length), end() {} } });
  const prompt = generator.tokenizer.encode("Once").length;
  expect(tokens - prompt).toBe(256);
});

test("streamText takes a conversation, and ends it where a turn ends", async () => {
  let text = "";
  const stream = streamText(generator.model, generator.tokenizer, FOX, {
    ...{ do_sample: true, temperature: 0.7, seed: 2, max_new_tokens: 900 },
  });
  for await (const piece of stream) text += piece;
  expect(text).toMatch(/^\w.*\.$/s);
  expect((await stream.result).finish_reason).toEqual(["stop"]);
});

test.each([[""], [[]], [[1, 2]], [["a", FOX]], [undefined]])("%j is no prompt", async (given) => {
  await expect(generator(given as string, greedy)).rejects.toThrow(
    /a pipeline takes a text, a list of texts|at least one token/,
  );
});

test("another task is refused by name, and text for generate by what takes it", async () => {
  await expect(pipeline("summarization" as "text-generation", "nowhere")).rejects.toThrow(
    "pipeline(): the task 'summarization' is not built; there is 'text-generation'",
  );
  await expect(generator.model.generate("Once upon" as never)).rejects.toThrow(
    'generate() takes tokens, not text: give it { input_ids: [[…]], attention_mask: [[…]] }, as tokenizer(text) returns them; or call pipeline("text-generation", …) or streamText(model, tokenizer, text)',
  );
});
