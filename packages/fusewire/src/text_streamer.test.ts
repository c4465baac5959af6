import { openModelDirectory } from "@fusewire/models/node";
import { expect, test } from "vitest";
import {
  AutoModelForCausalLM,
  AutoTokenizer,
  streamText,
  TextIteratorStreamer,
  TextStreamer,
} from "./index.ts";
import { goldenModel } from "./testing/run.ts";

async function setting() {
  const files = await openModelDirectory(goldenModel("llama"));
  const tokenizer = await AutoTokenizer.from_pretrained(files);
  const model = await AutoModelForCausalLM.from_pretrained(files, { device: "interpreter" });
  const inputs = tokenizer(["The fox"]);
  const options = { max_new_tokens: 12, eos_token_id: [] };
  const { new_tokens } = await model.generate(inputs, options);
  return { tokenizer, model, inputs, options, text: tokenizer.decode(new_tokens[0]!) };
}

test("pieces make the whole text, with the prompt or without it", async () => {
  const { tokenizer, model, inputs, options, text } = await setting();
  for (const skip_prompt of [true, false]) {
    const pieces: string[] = [];
    const streamer = new TextStreamer(tokenizer, {
      skip_prompt,
      callback_function: (piece) => pieces.push(piece),
    });
    await model.generate(inputs, { ...options, streamer });
    expect(pieces.join("")).toBe(`${skip_prompt ? "" : "The fox"}${text}\n`);
    expect(pieces.length).toBeGreaterThan(2);
  }
});

test("an iterator is read while the text is made, and ends with what has failed", async () => {
  const { tokenizer, model, inputs, options, text } = await setting();
  const streamer = new TextIteratorStreamer(tokenizer, { skip_prompt: true });
  const generated = model.generate(inputs, { ...options, streamer });
  let read = "";
  for await (const piece of streamer) read += piece;
  expect(read).toBe(text);
  await generated;

  const broken = new TextIteratorStreamer(tokenizer);
  const stopped = expect(
    model.generate(inputs, { ...options, streamer: broken, signal: AbortSignal.abort(new Error("stop")) }),
  ).rejects.toThrow("stop");
  for await (const piece of broken) expect(piece).not.toBe("");
  await stopped;
});

test("a streamer serves one generation after another", async () => {
  const { tokenizer, model, inputs, options, text } = await setting();
  const pieces: string[] = [];
  const plain = new TextStreamer(tokenizer, {
    skip_prompt: true,
    callback_function: (piece) => pieces.push(piece),
  });
  const iterator = new TextIteratorStreamer(tokenizer, { skip_prompt: true });
  for (let turn = 0; turn < 2; turn++) {
    pieces.length = 0;
    await model.generate(inputs, { ...options, streamer: plain });
    expect(pieces.join("")).toBe(`${text}\n`);
    // Read from before its first piece on, as one does.
    const generated = model.generate(inputs, { ...options, streamer: iterator });
    let read = "";
    for await (const piece of iterator) read += piece;
    expect(read).toBe(text);
    await generated;
  }
  // Two generations before either is read are still two.
  await model.generate(inputs, { ...options, streamer: iterator });
  await model.generate(inputs, { ...options, streamer: iterator });
  for (let turn = 0; turn < 2; turn++) {
    let read = "";
    for await (const piece of iterator) read += piece;
    expect(read).toBe(text);
  }
});

test("one text at a time", async () => {
  const { tokenizer, model, options } = await setting();
  const streamer = new TextStreamer(tokenizer);
  const two = {
    input_ids: [
      [5, 6],
      [7, 8],
    ],
  };
  await expect(model.generate(two, { ...options, streamer })).rejects.toThrow("input_ids has 2 rows");
  const several = streamText(model, tokenizer, "The", { do_sample: true, num_return_sequences: 2 });
  await expect(several.next()).rejects.toThrow("streamText yields one text");
});
