import { createReferenceEngine } from "@fusewire/passes";
import fc from "fast-check";
import { expect, test } from "vitest";
import { type CausalLM, loadCausalLM } from "../load.ts";
import type { GenerationOptions } from "../options/index.ts";
import { tinyModel } from "../testing/tiny_model.ts";
import type { RowChoice } from "./row_choice.ts";
import { openSlots, type Slots } from "./slots.ts";

const BUCKETS = { batch: [1, 2, 4], chunk: [4, 8], capacity: 32 };
const load = (config: object = {}) =>
  loadCausalLM(tinyModel({ config }), { engine: createReferenceEngine(), buckets: BUCKETS });

/** A text that is to run in a slot. */
interface Ask {
  readonly prompt: readonly number[];
  readonly options: GenerationOptions;
}

const alone = async (model: CausalLM, { prompt, options }: Ask): Promise<readonly number[]> =>
  (await model.generate({ input_ids: [prompt] }, options)).new_tokens[0]!;

/** Runs texts one after another in whatever slot is free, each from the step on that `starts` says. */
async function runAll(slots: Slots, asks: readonly Ask[], starts: readonly number[]): Promise<number[][]> {
  const made: number[][] = asks.map(() => []);
  const live = new Map<number, { readonly ask: number; readonly choice: RowChoice }>();
  const waiting = asks.map((_, ask) => ask);
  for (let step = 0; waiting.length + live.size > 0; step++) {
    for (let slot = 0; slot < slots.count; slot++) {
      const ask = waiting[0];
      if (live.has(slot) || ask === undefined || starts[ask]! > step) continue;
      waiting.shift();
      const { prompt, options } = asks[ask]!;
      live.set(slot, { ask, choice: slots.choice(options, prompt.length) });
      await slots.begin(slot, prompt);
      while ((await slots.prefill(slot)) > 0);
    }
    const rows = [...live].map(([slot, { choice }]) => ({ slot, choice }));
    if (rows.length === 0) continue;
    for (const [k, { token, done }] of (await slots.decode(rows)).entries()) {
      const { slot } = rows[k]!;
      made[live.get(slot)!.ask]!.push(token);
      if (done) live.delete(slot);
    }
  }
  return made;
}

const asked = fc.record({
  prompt: fc.array(fc.integer({ min: 1, max: 39 }), { minLength: 1, maxLength: 16 }),
  options: fc.record(
    {
      max_new_tokens: fc.integer({ min: 1, max: 9 }),
      do_sample: fc.boolean(),
      eos_token_id: fc.constantFrom([], [3], [3, 5, 7]),
      repetition_penalty: fc.constantFrom(1, 1.3),
    },
    { requiredKeys: ["max_new_tokens", "do_sample", "eos_token_id"] },
  ),
  seed: fc.nat(1000),
  top_k: fc.constantFrom(0, 5),
});

test.each([{}, { sliding_window: 6, model_type: "mistral", architectures: ["MistralForCausalLM"] }])(
  "texts that come and go give the tokens they give alone: %j",
  async (config) => {
    const model = await load(config);
    const slots = openSlots(model, { slots: 3, max_length: 32 });
    await slots.warmup();
    model.runtime.programs.failOnRecompile(true);
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(asked, fc.nat(6)), { minLength: 1, maxLength: 6 }),
        async (drawn) => {
          const asks = drawn.map(([{ prompt, options, seed, top_k }]) => ({
            prompt,
            options: { ...options, ...(options.do_sample && { seed, top_k, temperature: 1.5 }) },
          }));
          const together = await runAll(
            slots,
            asks,
            drawn.map(([, start]) => start).sort((a, b) => a - b),
          );
          model.runtime.programs.failOnRecompile(false);
          const apart = [];
          for (const ask of asks) apart.push([...(await alone(model, ask))]);
          model.runtime.programs.failOnRecompile(true);
          expect(together).toEqual(apart);
        },
      ),
      { numRuns: 15 },
    );
    slots.dispose();
  },
);

test("a text takes up what its slot holds of it, and no more than rings have kept", async () => {
  const greedy = { max_new_tokens: 4, eos_token_id: [] };
  const prompt = [5, 9, 2, 7, 11, 4, 8, 1, 3];
  const model = await load();
  const slots = openSlots(model, { slots: 1, max_length: 32 });
  await runAll(slots, [{ prompt, options: greedy }], [0]);
  const turn = [...prompt, ...(await alone(model, { prompt, options: greedy })), 6, 6];
  expect(slots.held(0, turn)).toBe(prompt.length + 3);
  expect(slots.held(0, [...prompt.slice(0, 4), 30, 31])).toBe(4);
  expect(slots.held(0, prompt)).toBe(prompt.length - 1);
  expect(await runAll(slots, [{ prompt: turn, options: greedy }], [0])).toEqual([
    await alone(model, { prompt: turn, options: greedy }),
  ]);
  slots.clear(0);
  expect(slots.held(0, turn)).toBe(0);
});

test("scores come back to the rows that want them alone", async () => {
  const model = await load();
  const slots = openSlots(model, { slots: 2, max_length: 32 });
  const options = { max_new_tokens: 1, eos_token_id: [] };
  const prompt = [5, 9, 2];
  for (const slot of [0, 1]) {
    await slots.begin(slot, prompt);
    while ((await slots.prefill(slot)) > 0);
  }
  const [first, second] = await slots.decode([
    { slot: 0, choice: slots.choice(options, 3) },
    { slot: 1, choice: slots.choice({ ...options, output_logits: true }, 3) },
  ]);
  expect(first!.logits).toBeUndefined();
  const { logits } = await model.generate({ input_ids: [prompt] }, { ...options, output_logits: true });
  expect(second!.logits).toEqual(logits![0]![0]);
  expect(first!.done).toBe(true);
});

test.each<[GenerationOptions, string]>([
  [{ num_beams: 2 }, "a row of a running batch has no 'num_beams'"],
  [{ bad_words_ids: [[1, 2]] }, "bad_words_ids: a running batch has no such processing"],
  [{ max_new_tokens: 40 }, "a prompt of 3 tokens and 40 new ones are more than the 32 that a row holds"],
  [{ eos_token_id: [1, 2, 3, 4, 5, 6, 7, 8, 9] }, "eos_token_id has 9 ids"],
])("%j is refused", async (options, message) => {
  const slots = openSlots(await load(), { slots: 1, max_length: 32 });
  expect(() => slots.choice({ max_new_tokens: 2, ...options }, 3)).toThrow(message);
});
