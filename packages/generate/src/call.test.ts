import { createReferenceEngine } from "@fusewire/passes";
import { expect, test } from "vitest";
import { StaticCache } from "./cache/index.ts";
import { loadCausalLM } from "./load.ts";
import { tinyModel } from "./testing/tiny_model.ts";

const load = () => loadCausalLM(tinyModel(), { engine: createReferenceEngine() });
const inputs = { input_ids: [[3, 1, 4, 1]], attention_mask: [[1, 1, 1, 1]] };

test("options beside the inputs of generate are those of the second argument", async () => {
  const model = await load();
  const ended: string[] = [];
  const streamer = { put: () => undefined, end: () => void ended.push("end") };
  const beside = await model.generate({ ...inputs, max_new_tokens: 3, streamer });
  const after = await model.generate(inputs, { max_new_tokens: 3 });
  expect(beside.sequences).toEqual(after.sequences);
  expect(beside.new_tokens[0]).toHaveLength(3);
  expect(ended).toEqual(["end"]);
  const both = await model.generate({ ...inputs, max_new_tokens: 3 }, { do_sample: true, seed: 4 });
  expect(both.new_tokens[0]).toHaveLength(3);
  expect(both.stats.seed).toBe(4);
});

test("options beside the inputs of forward are those of the second argument", async () => {
  const model = await load();
  const past_key_values = new StaticCache({ max_cache_len: 32, max_batch_size: 1 });
  const { logits } = await model.forward({ ...inputs, past_key_values, logits_to_keep: 1 });
  expect(logits.type.shape.slice(0, 2)).toEqual([1, 1]);
  expect(past_key_values.get_seq_length()).toBe(4);
});

test.each([
  [
    { ...inputs, max_new_toks: 3 },
    {},
    "'max_new_toks': not an option of generate(); did you mean 'max_new_tokens'?",
  ],
  [{ ...inputs, token_type_ids: [[0]] }, {}, "'token_type_ids': not an option of generate()"],
  [
    { ...inputs, max_new_tokens: 3 },
    { max_new_tokens: 4 },
    "'max_new_tokens' stands beside the inputs and among",
  ],
  ["Once", {}, "generate() takes tokens, not text: give it { input_ids: [[…]]"],
  [["Once"], {}, "generate() takes tokens, not text"],
  [[1, 2, 3], {}, "not a list of ids"],
  [[[1, 2, 3]], {}, "not a list of ids"],
  [undefined, {}, "as tokenizer(text) returns them, not undefined"],
  [{}, {}, "input_ids must be rows of numbers, [[…]], one for each text; it is missing"],
  [{ input_ids: [1, 2] }, {}, "input_ids must be rows of numbers, [[…]], one for each text"],
  [{ input_ids: [[1, 2]], attention_mask: [1, 1] }, {}, "attention_mask must be rows of 0 and 1"],
])("generate refuses %j with %j", async (given, options, message) => {
  const model = await load();
  await expect(model.generate(given as never, options)).rejects.toMatchObject({
    name: "FusewireError",
    message: expect.stringContaining(message),
  });
});

test("positions of generate are checked against the mask", async () => {
  const model = await load();
  const padded = { input_ids: [[0, 3, 1]], attention_mask: [[0, 1, 1]] };
  const options = { max_new_tokens: 2 };
  const result = await model.generate({ ...padded, position_ids: [[1, 0, 1]] }, { ...options, num_beams: 2 });
  expect(result.new_tokens[0]).toHaveLength(2);
  await expect(model.generate({ ...padded, position_ids: [[0, 1, 2]] }, options)).rejects.toThrow(
    "position_ids has 1 for token 0 of row 0, which is at position 0; leave it out",
  );
});

test.each([
  [{ ...inputs, bogus: 1 }, "forward: 'bogus' is not an option"],
  [[1, 2], "forward() takes { input_ids"],
])("forward refuses %j", async (given, message) => {
  const model = await load();
  await expect(model.forward(given as never)).rejects.toThrow(message);
});
