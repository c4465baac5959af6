import { createReferenceEngine } from "@fusewire/passes";
import { describe, expect, test } from "vitest";
import { DynamicCache, StaticCache } from "./cache/index.ts";
import { loadCausalLM } from "./load.ts";
import { tinyModel } from "./testing/tiny_model.ts";

const BUCKETS = { batch: [1, 2], chunk: [4, 8], capacity: 32 };
const load = () => loadCausalLM(tinyModel(), { engine: createReferenceEngine(), buckets: BUCKETS });
const ids = (length: number, seed = 0): number[] =>
  Array.from({ length }, (_, i) => (7 * i + 3 * seed + 1) % 40);

/** Padded on the left and on the right: rows of 5 and 7 tokens. */
const LEFT = {
  input_ids: [[0, 0, ...ids(5)], ids(7, 1)],
  attention_mask: [
    [0, 0, 1, 1, 1, 1, 1],
    [1, 1, 1, 1, 1, 1, 1],
  ],
};
const RIGHT = {
  input_ids: [[...ids(5), 0, 0], ids(7, 1)],
  attention_mask: [
    [1, 1, 1, 1, 1, 0, 0],
    [1, 1, 1, 1, 1, 1, 1],
  ],
};

describe("over a cache", () => {
  test.each([
    ["left", LEFT],
    ["right", RIGHT],
  ])(
    "tokens go on from rows that were padded on the %s, with the scores of whole texts",
    async (_, inputs) => {
      const model = await load();
      const past_key_values = new StaticCache({ max_cache_len: 32, max_batch_size: 2 });
      const whole = await model.forward(inputs);
      const first = await model.forward(inputs, { past_key_values });
      expect(first.logits.data).toEqual(whole.logits.data);
      expect(past_key_values.get_seq_length()).toBe(7);
      const more = [
        [11, 12, 13],
        [21, 22, 23],
      ];
      const attention_mask = inputs.attention_mask.map((row) => [...row, 1, 1, 1]);
      const next = await model.forward(
        {
          input_ids: more,
          attention_mask,
          cache_position: [7, 8, 9],
          position_ids: [
            [5, 6, 7],
            [7, 8, 9],
          ],
        },
        { past_key_values, use_cache: true },
      );
      for (const [b, text] of [ids(5), ids(7, 1)].entries()) {
        const alone = await model.forward({ input_ids: [[...text, ...more[b]!]] });
        const tail = alone.logits.data.slice(-3 * 40);
        expect(next.logits.data.slice(b * 3 * 40, (b + 1) * 3 * 40)).toEqual(tail);
      }
      expect(past_key_values.get_seq_length()).toBe(10);
    },
  );

  test("logits_to_keep 1 gives the scores after each row's last token alone", async () => {
    const model = await load();
    const all = await model.forward(LEFT);
    const { logits } = await model.forward(RIGHT, { logits_to_keep: 1 });
    expect(logits.type.shape).toEqual([2, 1, 40]);
    for (const b of [0, 1])
      expect(logits.data.slice(b * 40, (b + 1) * 40)).toEqual(
        all.logits.data.slice((b * 7 + 6) * 40, (b * 7 + 7) * 40),
      );
    expect(model.runtime.programs.compilations.map(({ entry }) => entry.split(" batch")[0])).toEqual([
      "logits length=8",
      "begin",
      "prefill length=8",
      "logits length=1",
    ]);
  });

  test("what does not fit what the cache holds is refused with both, and nothing is lost", async () => {
    const model = await load();
    const past_key_values = new DynamicCache();
    await model.forward(LEFT, { past_key_values });
    const input_ids = [[1], [2]];
    const refused = (more: object, message: string, options: object = {}) =>
      expect(model.forward({ input_ids, ...more } as never, { past_key_values, ...options })).rejects.toThrow(
        message,
      );
    // The guide's own mistake: a position left out.
    await refused(
      { cache_position: [8] },
      "cache_position is 8, but 7 places are filled, so it must be 7; leave it out",
    );
    await refused(
      { position_ids: [[6], [7]] },
      "position_ids has 6 for token 0 of row 0, which is at position 5; leave it out",
    );
    await refused(
      { attention_mask: [[1], [1]] },
      "attention_mask has 1 columns; with a cache it covers the 7 places that the cache holds and the 1 of input_ids",
    );
    await refused(
      { attention_mask: [new Array(8).fill(1), new Array(8).fill(1)] },
      "attention_mask has 7 tokens before input_ids in row 0, and the cache holds 5",
    );
    await expect(model.forward({ input_ids: [[1, 2, 3]], attention_mask: [[1, 0, 1]] })).rejects.toThrow(
      "row 0 of attention_mask has a gap",
    );
    await refused({}, "past_key_values is a cache, and use_cache is false", { use_cache: false });
    await refused({}, "logits_to_keep must be 0", { logits_to_keep: 3 });
    await refused({}, "'return_dict' is not an option", { return_dict: false });
    await expect(model.forward({ input_ids }, { use_cache: true })).rejects.toThrow(
      "use_cache needs a cache",
    );
    expect(past_key_values.get_seq_length()).toBe(7);
    await model.forward({ input_ids, cache_position: [7] }, { past_key_values });
    expect(past_key_values.get_seq_length()).toBe(8);
  });
});

describe("output_hidden_states", () => {
  test("of tokens behind a cache are those of the whole text, zeros at pads", async () => {
    const model = await load();
    const whole = await model.forward(LEFT, { output_hidden_states: true });
    expect(whole.hidden_states?.map(({ type }) => type)).toEqual(
      [0, 1, 2].map(() => ({ dtype: "f32", shape: [2, 7, 16] })),
    );
    expect(whole.logits.data).toEqual((await model.forward(LEFT)).logits.data);
    const cache = new DynamicCache();
    const cut = (from: number, to: number) => LEFT.input_ids.map((row) => row.slice(from, to));
    const attention_mask = LEFT.attention_mask.map((row) => row.slice(0, 4));
    await model.forward({ input_ids: cut(0, 4), attention_mask }, { cache });
    const rest = await model.forward(
      { input_ids: cut(4, 7) },
      { cache, output_hidden_states: true, logits_to_keep: 1 },
    );
    expect(rest.logits.type.shape).toEqual([2, 1, 40]);
    for (const [i, state] of whole.hidden_states!.entries()) {
      // The pads of the first row.
      expect([...state.data.slice(0, 2 * 16)]).toEqual(new Array(2 * 16).fill(0));
      for (const b of [0, 1])
        expect(rest.hidden_states![i]!.data.slice(b * 3 * 16, (b + 1) * 3 * 16)).toEqual(
          state.data.slice((b * 7 + 4) * 16, (b + 1) * 7 * 16),
        );
    }
    for (const b of [0, 1])
      expect(rest.logits.data.slice(b * 40, (b + 1) * 40)).toEqual(
        whole.logits.data.slice((b * 7 + 6) * 40, (b + 1) * 7 * 40),
      );
  });

  test("are returned where they are asked for, all or none", async () => {
    const model = await load();
    expect(await model.forward(LEFT, { output_hidden_states: false })).not.toHaveProperty("hidden_states");
    await expect(model.forward(LEFT, { output_hidden_states: [1] as never })).rejects.toThrow(
      "forward: output_hidden_states must be true or false, not [1]",
    );
  });
});
