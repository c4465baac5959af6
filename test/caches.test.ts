/** Caches that users own, over turns and in loops of their own, on every engine. */
import {
  type Cache,
  type CausalLM,
  compile,
  DynamicCache,
  QuantizedCache,
  StaticCache,
} from "@fusewire/generate";
import { floats, numbersOf } from "@fusewire/ir";
import { embeddedModel } from "@fusewire/models/node";
import type { Engine } from "@fusewire/passes";
import { describe, expect, test } from "vitest";
import { ENGINES, withModel } from "./support/engines.ts";
import { goldenPath } from "./support/goldens.ts";
import { inputsOf, readGolden } from "./support/read.ts";

interface Expected {
  readonly left_padded: { readonly input_ids: number[][]; readonly attention_mask: number[][] };
  readonly greedy: { readonly max_new_tokens: number; readonly new_tokens: number[][] };
}

/** Rings of 15 slots for windows of 8 tokens. */
const buckets = { batch: [1, 2, 4], chunk: [8], capacity: 64 };
const ones = (row: readonly number[], count: number) => [...row, ...new Array<number>(count).fill(1)];

/** The likeliest token after each row's last one. */
function likeliest(logits: Awaited<ReturnType<CausalLM["forward"]>>["logits"]): number[] {
  const [rows, length, vocabulary] = logits.type.shape as [number, number, number];
  return Array.from({ length: rows }, (_, b) => {
    const end = (b + 1) * length * vocabulary;
    const scores = floats(logits).subarray(end - vocabulary, end);
    return scores.indexOf(Math.max(...scores));
  });
}

describe.each(Object.keys(ENGINES))("on %s", (device) => {
  test.each(["llama", "mistral-window"])("%s: turns and loops give Hugging Face's tokens", (name) =>
    withModel(
      goldenPath("models", name),
      device,
      async (model) => {
        const { left_padded, greedy } = readGolden<Expected>(goldenPath("models", name, "expected.json"));
        const { input_ids, attention_mask } = left_padded;
        const width = input_ids[0]!.length;
        const real = attention_mask.flat().filter((seen) => seen === 1).length;
        const first = Math.floor(greedy.max_new_tokens / 2);
        const rest = greedy.max_new_tokens - first;

        const turns = new DynamicCache();
        const options = { eos_token_id: [], past_key_values: turns };
        const before = await model.generate(inputsOf(left_padded), { ...options, max_new_tokens: first });
        const after = await model.generate(
          { input_ids: before.sequences, attention_mask: attention_mask.map((row) => ones(row, first)) },
          { ...options, max_new_tokens: rest },
        );
        expect(before.new_tokens.map((row, b) => [...row, ...after.new_tokens[b]!])).toEqual(
          greedy.new_tokens,
        );
        expect(after.stats.cached_tokens).toBe(real + input_ids.length * (first - 1));
        // begin, and a step a token: no chunk of the prompt.
        expect(after.stats.submits).toBe(1 + rest);

        const cache = new StaticCache(model.config, {
          max_cache_len: width + greedy.max_new_tokens,
          max_batch_size: input_ids.length,
        });
        let { logits } = await model.forward(inputsOf(left_padded), {
          past_key_values: cache,
          logits_to_keep: 1,
        });
        const made = [likeliest(logits)];
        let compiled = 0;
        while (made.length < greedy.max_new_tokens) {
          const cache_position = [width + made.length - 1];
          const next = made.at(-1)!.map((token) => [token]);
          ({ logits } = await model.forward(
            { input_ids: next, cache_position },
            { past_key_values: cache, use_cache: true },
          ));
          if (made.length === 1) compiled = model.runtime.programs.compilations.length;
          made.push(likeliest(logits));
        }
        expect(input_ids.map((_, b) => made.map((step) => step[b]!))).toEqual(greedy.new_tokens);
        expect(model.runtime.programs.compilations).toHaveLength(compiled);
        for (const each of [turns, cache]) each.dispose();
      },
      { buckets },
    ),
  );

  test("four texts of different lengths, assisted and compiled, over a static cache that is then gone on with", () =>
    withModel(goldenPath("generation", "target"), device, (model) =>
      withModel(goldenPath("generation", "draft"), device, async (assistant_model) => {
        const texts = [3, 9, 5, 12].map((length) =>
          Array.from({ length }, (_, i) => 3 + ((i * 7 + length) % 60)),
        );
        const alone: number[][] = [];
        for (const text of texts) {
          const { new_tokens } = await model.generate(
            { input_ids: [text] },
            { max_new_tokens: 16, eos_token_id: [] },
          );
          alone.push(new_tokens[0]!);
        }
        model.generate = compile(model.generate, { mode: "reduce-overhead", fullgraph: true });
        const past_key_values = new StaticCache({ max_cache_len: 40, max_batch_size: 4 });
        const options = { eos_token_id: [], past_key_values, assistant_model };
        const pads = texts.map(({ length }) => new Array<number>(12 - length).fill(0));
        const mask = texts.map((text, b) => ones(pads[b]!, text.length));
        const first = await model.generate(
          { input_ids: texts.map((text, b) => [...pads[b]!, ...text]), attention_mask: mask },
          { ...options, max_new_tokens: 9 },
        );
        const second = await model.generate(
          { input_ids: first.sequences, attention_mask: mask.map((row) => ones(row, 9)) },
          { ...options, max_new_tokens: 7 },
        );
        expect(first.new_tokens.map((row, b) => [...row, ...second.new_tokens[b]!])).toEqual(alone);
        expect(second.stats.cached_tokens).toBe(29 + 4 * 8);
        past_key_values.dispose();
      }),
    ));

  test.each(["float32", "int8"] as const)("rows move, and caches grow and are cut, in %s", (dtype) =>
    withModel(
      goldenPath("models", "llama"),
      device,
      async (model) => {
        const text = (seed: number, length = 20) =>
          Array.from({ length }, (_, i) => 3 + ((i * 5 + seed) % 50));
        const cache = new DynamicCache({ dtype });
        await model.forward({ input_ids: [text(1), text(2)] }, { past_key_values: cache, logits_to_keep: 1 });
        await cache.batch_repeat_interleave(2);
        await cache.reorder_cache([3, 0, 0, 2]);
        cache.crop(16);
        const rows = [2, 1, 1, 2].map((seed, b) => [...text(seed, 16), ...text(b, 40)]);
        const run = (past_key_values: Cache) =>
          model.generate({ input_ids: rows }, { past_key_values, max_new_tokens: 4, eos_token_id: [] });
        const { stats, new_tokens } = await run(cache);
        expect(stats.cached_tokens).toBe(4 * 16);
        const fresh = new DynamicCache({ dtype });
        expect((await run(fresh)).new_tokens).toEqual(new_tokens);
        for (const each of [cache, fresh]) each.dispose();
      },
      { buckets: { ...buckets, capacity: 32 } },
    ),
  );
});

/** Keys and values of the tokens that a cache of one row holds, by layer. */
async function held(engine: Engine, { hold }: Cache): Promise<Map<string, number[]>> {
  const { states } = hold.bound!;
  const { cached } = hold.rows[0]!;
  const result = new Map<string, number[]>();
  for (const { name } of states.decls) {
    if (!name.startsWith("cache.")) continue;
    const value = await engine.readState(states, name);
    const [, heads, slots, width] = value.type.shape as [number, number, number, number];
    const all = numbersOf(value);
    result.set(
      name,
      Array.from({ length: heads }, (_, h) =>
        all.slice(h * slots * width, (h * slots + cached) * width),
      ).flat(),
    );
  }
  return result;
}

test.each([
  ["floats", () => new DynamicCache()],
  ["bytes", () => new QuantizedCache()],
])("on wasm a second turn has the bits of a fresh run over the whole text, in %s", (_, make) =>
  withModel(embeddedModel("tales-draft"), "wasm", async (model, engine) => {
    const prompt = Array.from({ length: 90 }, (_, i) => 100 + ((i * 37) % 3000));
    const question = [7, 70, 700, 1700, 270];
    const options = { max_new_tokens: 12, eos_token_id: [] };
    const [turns, fresh] = [make(), make()];
    const first = await model.generate({ input_ids: [prompt] }, { ...options, past_key_values: turns });
    const input_ids = [[...first.sequences[0]!, ...question]];
    const again = await model.generate({ input_ids }, { ...options, past_key_values: turns });
    const whole = await model.generate({ input_ids }, { ...options, past_key_values: fresh });
    expect(again.sequences).toEqual(whole.sequences);
    expect([again.stats.cached_tokens, whole.stats.cached_tokens]).toEqual([101, 0]);
    expect(await held(engine, turns)).toEqual(await held(engine, fresh));
    const next = { input_ids: [again.sequences[0]!.slice(-1)] };
    const scores = await Promise.all(
      [turns, fresh].map((past_key_values) => model.forward(next, { past_key_values })),
    );
    expect(scores[0]!.logits.data).toEqual(scores[1]!.logits.data);
    expect((await held(engine, turns)).get("cache.0.keys")!.some((x) => x !== 0)).toBe(true);
    for (const each of [turns, fresh]) each.dispose();
  }),
);
