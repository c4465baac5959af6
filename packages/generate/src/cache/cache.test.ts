import { createReferenceEngine } from "@fusewire/passes";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type LoadOptions, loadCausalLM } from "../load.ts";
import { tinyModel } from "../testing/tiny_model.ts";
import { type Cache, DynamicCache, QuantizedCache, SlidingWindowCache, StaticCache } from "./index.ts";

const BUCKETS = { batch: [1, 2, 4], chunk: [4, 8], capacity: 32 };
const load = (config: object = {}, options: Partial<LoadOptions> = {}) =>
  loadCausalLM(tinyModel({ config }), { engine: createReferenceEngine(), buckets: BUCKETS, ...options });
const ids = (length: number, seed = 0): number[] =>
  Array.from({ length }, (_, i) => (7 * i + 3 * seed + 1) % 40);
const greedy = (max_new_tokens: number) => ({ max_new_tokens, eos_token_id: [] });

describe("arguments", () => {
  test("as transformers 4 and 5 write them", async () => {
    const { config } = await load();
    const older = new StaticCache({ config, max_batch_size: 2, max_cache_len: 20, device: "interpreter" });
    expect(older.get_max_cache_shape()).toBe(20);
    expect(new StaticCache(config, { max_cache_len: 24 }).max_cache_len).toBe(24);
    expect(new DynamicCache({ config }).get_max_cache_shape()).toBe(-1);
    expect(new DynamicCache().get_seq_length()).toBe(0);
  });

  test.each<[() => unknown, string]>([
    [() => new StaticCache({} as never), "StaticCache needs max_cache_len, the tokens that a row may hold"],
    [
      () => new StaticCache({ max_cache_len: 2.5 }),
      "StaticCache: 'max_cache_len' must be an integer of 1 or more, not 2.5",
    ],
    [
      () => new StaticCache({ max_cache_len: 8, max_batch_sise: 1 } as never),
      "StaticCache: 'max_batch_sise': not an option; options are config, device, dtype, max_cache_len",
    ],
    [
      () => new StaticCache({ max_cache_len: 8, offloading: true } as never),
      "StaticCache: 'offloading': one device holds the whole cache",
    ],
    [
      () => new DynamicCache({ dtype: "bfloat16" as never }),
      "DynamicCache: dtype 'bfloat16' is not supported; choose one of float32, float16, int8",
    ],
    [
      () => new QuantizedCache({ nbits: 4 } as never),
      "QuantizedCache: 'nbits': keys and values are kept in 8 bits",
    ],
    [
      () => new SlidingWindowCache({ max_cache_len: 8 }),
      "SlidingWindowCache is for models with sliding windows and takes their config",
    ],
  ])("%s is refused", (make, message) => {
    expect(make).toThrow(message);
  });

  test("what the model cannot use is refused at its first use", async () => {
    const model = await load();
    const use = (past_key_values: StaticCache, length = 5) =>
      model.generate({ input_ids: [ids(length), ids(length, 1)] }, { ...greedy(4), past_key_values });
    await expect(use(new StaticCache({ max_cache_len: 20, device: "webgpu" }))).rejects.toThrow(
      "this StaticCache was made for device 'webgpu', and the model runs on 'interpreter'",
    );
    await expect(use(new StaticCache({ max_cache_len: 20, max_batch_size: 1 }))).rejects.toThrow(
      "a batch of 2 rows is larger than max_batch_size 1 of the StaticCache",
    );
    await expect(use(new StaticCache({ max_cache_len: 8 }))).rejects.toThrow(
      "9 tokens, prompt and new ones together, are more than max_cache_len 8 of the StaticCache",
    );
    const cache = new DynamicCache();
    await use(cache);
    const other = await load();
    const input_ids = [ids(3)];
    await expect(other.generate({ input_ids }, { past_key_values: cache })).rejects.toThrow(
      "this DynamicCache holds keys and values of another model; each model needs a cache of its own",
    );
    cache.dispose();
    await expect(use(cache)).rejects.toThrow("this DynamicCache was disposed; make another one");
  });

  test("two things said of one cache name both", async () => {
    const model = await load();
    const run = (more: object) =>
      model.generate({ input_ids: [ids(3)] }, { past_key_values: new DynamicCache(), ...more });
    await expect(run({ cache_implementation: "static" })).rejects.toThrow(
      "past_key_values is a cache, and cache_implementation 'static' asks for another; give one of them",
    );
    await expect(run({ use_cache: false })).rejects.toThrow(
      "past_key_values is a cache, and use_cache is false; give one of them",
    );
    await expect(run({ num_beams: 2 })).rejects.toThrow("num_beams 2 keeps its texts in a cache of its own");
    await expect(run({ past_key_values: {} })).rejects.toThrow(
      "'past_key_values' must be a cache such as new StaticCache({…})",
    );
    await expect(
      model.generate({ input_ids: [ids(3)] }, { cache_implementation: "offloaded" as never }),
    ).rejects.toThrow("'cache_implementation' must be static, dynamic or quantized");
  });
});

test("cache is the name of past_key_values since transformers 5.24, and results return it under both", async () => {
  const model = await load();
  const cache = new DynamicCache();
  const first = await model.generate({ input_ids: [ids(9)] }, { ...greedy(4), cache });
  expect(first.cache).toBe(cache);
  expect(first.past_key_values).toBe(cache);
  expect(cache.get_seq_length()).toBe(12);
  const next = await model.forward({ input_ids: [[5]] }, { cache, use_cache: true });
  expect(next.cache).toBe(cache);
  expect(next.past_key_values).toBe(cache);
  expect(cache.get_seq_length()).toBe(13);
  await expect(
    model.forward({ input_ids: [[5]] }, { cache, past_key_values: new DynamicCache() }),
  ).rejects.toThrow("forward: cache and past_key_values are two names of one option");
  expect(await model.generate({ input_ids: [ids(9)] }, greedy(4))).not.toHaveProperty("cache");
});

describe("a second turn", () => {
  test("computes only what is new, and gives the tokens of a fresh run", async () => {
    const model = await load();
    const cache = new DynamicCache();
    const first = await model.generate({ input_ids: [ids(9)] }, { ...greedy(4), past_key_values: cache });
    expect(first.stats.cached_tokens).toBe(0);
    expect(cache.get_seq_length()).toBe(12);
    const input_ids = [[...first.sequences[0]!, ...ids(3, 5)]];
    const fresh = await model.generate({ input_ids }, greedy(5));
    const second = await model.generate({ input_ids }, { ...greedy(5), past_key_values: cache });
    expect(second.sequences).toEqual(fresh.sequences);
    expect(second.stats).toMatchObject({ cached_tokens: 12, prompt_tokens: 16 });
    // begin, one chunk of 4 in place of chunks of 8, 4 and 4 …, and a step a token.
    expect([fresh.stats.submits, second.stats.submits]).toEqual([1 + 2 + 5, 1 + 1 + 5]);
    expect(cache.get_seq_length()).toBe(20);
  });

  test("may be given alone, with a mask of full length", async () => {
    const model = await load();
    const prompts = [ids(6), [0, 0, ...ids(4, 1)]];
    const attention_mask = [
      [1, 1, 1, 1, 1, 1],
      [0, 0, 1, 1, 1, 1],
    ];
    const cache = new StaticCache({ max_cache_len: 32, max_batch_size: 2 });
    const first = await model.generate(
      { input_ids: prompts, attention_mask },
      { ...greedy(3), past_key_values: cache },
    );
    expect(cache.get_seq_length()).toBe(8);
    const more = [ids(2, 7), ids(2, 8)];
    const full = first.sequences.map((row, b) => [...row, ...more[b]!]);
    const mask = attention_mask.map((row) => [...row, 1, 1, 1, 1, 1]);
    const fresh = await model.generate({ input_ids: full, attention_mask: mask }, greedy(4));
    const copies = [await cache.copy(), await cache.copy()];
    // Behind what has keys and values, as Hugging Face wants it, or behind all that was generated.
    for (const [k, given] of [full.map((row) => row.slice(8)), more].entries()) {
      const result = await model.generate(
        { input_ids: given, attention_mask: mask },
        { ...greedy(4), past_key_values: copies[k]! },
      );
      expect(result.new_tokens).toEqual(fresh.new_tokens);
      expect(result.sequences).toEqual(given.map((row, b) => [...row, ...fresh.new_tokens[b]!]));
      expect(result.stats.cached_tokens).toBe(8 + 6);
    }
    const wrong = [mask[0]!, mask[0]!];
    await expect(
      model.generate({ input_ids: more, attention_mask: wrong }, { past_key_values: cache }),
    ).rejects.toThrow("attention_mask has 9 tokens before input_ids in row 1, and the cache holds 6");
  });

  test("goes on from rows that ended before others, whose pads are masked", async () => {
    const model = await load();
    const input_ids = [ids(6), ids(6, 1)];
    const free = await model.generate({ input_ids }, greedy(8));
    const ends = { max_new_tokens: 8, eos_token_id: free.new_tokens[0]![2]!, pad_token_id: 39 };
    const cache = new DynamicCache();
    // Without a mask the pad token would count as a pad in the prompts as well.
    const { sequences, new_tokens } = await model.generate(
      { input_ids, attention_mask: input_ids.map((row) => row.map(() => 1)) },
      { ...ends, past_key_values: cache },
    );
    expect(new_tokens[0]!.length).toBeLessThan(new_tokens[1]!.length);
    const more = sequences.map((row) => [...row, 1, 2]);
    const attention_mask = more.map((row, b) =>
      row.map((_, i) => Number(i < 6 + new_tokens[b]!.length || i >= row.length - 2)),
    );
    const options = { ...greedy(4), past_key_values: cache };
    const result = await model.generate({ input_ids: more, attention_mask }, options);
    expect(result.stats.cached_tokens).toBe(new_tokens.flat().length + 2 * (6 - 1));
    for (const [b, row] of more.entries()) {
      const text = row.filter((_, i) => attention_mask[b]![i] === 1);
      const alone = await model.generate({ input_ids: [text] }, greedy(4));
      expect(result.new_tokens[b]).toEqual(alone.new_tokens[0]);
    }
  });

  test("that differs from what the cache holds goes on from where both agree", async () => {
    const model = await load();
    const cache = new DynamicCache();
    await model.generate({ input_ids: [ids(12)] }, { ...greedy(6), past_key_values: cache });
    const other = [[...ids(7), ...ids(4, 9)]];
    const { stats, new_tokens } = await model.generate(
      { input_ids: other },
      { ...greedy(6), past_key_values: cache },
    );
    expect(stats.cached_tokens).toBe(7);
    expect(new_tokens).toEqual((await model.generate({ input_ids: other }, greedy(6))).new_tokens);
    expect(cache.get_seq_length()).toBe(11 + 6 - 1);
  });

  test("after an answer that was stopped, left or failed", async () => {
    const model = await load();
    const cache = new DynamicCache();
    const controller = new AbortController();
    const options = { ...greedy(20), past_key_values: cache };
    const seen: number[] = [];
    await expect(async () => {
      for await (const { tokens } of model.stream(
        { input_ids: [ids(5)] },
        { ...options, signal: controller.signal },
      )) {
        seen.push(tokens[0]!);
        if (seen.length === 3) controller.abort();
      }
    }).rejects.toThrow(/abort/i);
    expect(cache.get_seq_length()).toBe(5 + 3 - 1);
    for await (const _ of model.stream({ input_ids: [[...ids(5), ...seen]] }, options)) break;
    const input_ids = [[...ids(5), ...seen, 1, 2]];
    const result = await model.generate({ input_ids }, options);
    expect(result.stats.cached_tokens).toBe(8);
    expect(result.new_tokens).toEqual((await model.generate({ input_ids }, greedy(20))).new_tokens);
  });

  test("cannot begin before the first has ended, and nothing is lost by trying", async () => {
    const model = await load();
    const cache = new DynamicCache();
    const options = { ...greedy(6), past_key_values: cache };
    const first = model.generate({ input_ids: [ids(5)] }, options);
    const busy = "this DynamicCache is in use by a call that has not ended";
    await expect(model.generate({ input_ids: [ids(3)] }, options)).rejects.toThrow(busy);
    for (const change of [() => cache.crop(1), () => cache.reset(), () => cache.dispose()])
      expect(change).toThrow(busy);
    const { new_tokens } = await first;
    expect(new_tokens).toEqual((await model.generate({ input_ids: [ids(5)] }, greedy(6))).new_tokens);
    expect(cache.get_seq_length()).toBe(10);
  });

  test("with drafts gives the tokens of a fresh run without, greedy and sampled", async () => {
    const model = await load();
    const assistant_model = await load();
    const input_ids = [
      [1, 2, 3, 4, 1, 2, 3, 4],
      [5, 6, 5, 6, 5, 6, 5, 6],
    ];
    for (const how of [{}, { do_sample: true, seed: 5 }])
      for (const drafts of [{ prompt_lookup_num_tokens: 3 }, { assistant_model }]) {
        const cache = new DynamicCache();
        const options = { ...greedy(7), ...how };
        const first = await model.generate({ input_ids }, { ...options, ...drafts, past_key_values: cache });
        const next = first.sequences.map((row) => [...row, 1, 2, 3]);
        const second = await model.generate(
          { input_ids: next },
          { ...options, ...drafts, past_key_values: cache },
        );
        const fresh = await model.generate({ input_ids: next }, { ...options, ...drafts });
        expect(second.new_tokens).toEqual(fresh.new_tokens);
        expect(second.stats.cached_tokens).toBe(2 * 14);
        cache.dispose();
      }
  });
});

describe("memory", () => {
  test("is known before it is taken, and given back", async () => {
    const engine = createReferenceEngine();
    const model = await load({}, { engine });
    for (const make of [
      () => new StaticCache({ max_cache_len: 50, max_batch_size: 3 }),
      () => new DynamicCache({ dtype: "float16" }),
      () => new QuantizedCache(),
    ]) {
      const run = (past_key_values: Cache) =>
        model.generate({ input_ids: [ids(3)] }, { ...greedy(2), past_key_values });
      // What programs of this size keep themselves, such as tables of angles, is there from now on.
      const before = make();
      await run(before);
      before.dispose();
      const { bytes } = engine.held();
      const cache = make();
      const wanted = cache.bytes(model);
      await run(cache);
      expect(engine.held().bytes - bytes).toBe(wanted);
      expect(cache.bytes()).toBe(wanted);
      cache.dispose();
      expect(engine.held().bytes).toBe(bytes);
    }
    expect(() => new DynamicCache().bytes()).toThrow("has no memory yet; bytes(model) says");
  });

  test("of a dynamic cache doubles where a text or a batch outgrows it, and keeps what it holds", async () => {
    const model = await load();
    const cache = new DynamicCache();
    const options = { ...greedy(4), past_key_values: cache };
    await model.generate({ input_ids: [ids(20)] }, options);
    const small = cache.bytes();
    const input_ids = [ids(40), ids(40, 3)];
    const { stats, new_tokens } = await model.generate({ input_ids }, options);
    expect(stats.cached_tokens).toBe(20);
    expect(new_tokens).toEqual((await model.generate({ input_ids }, greedy(4))).new_tokens);
    expect(cache.bytes() / small).toBeCloseTo(4, 1);
  });
});

describe("cutting and moving rows", () => {
  const filled = async (rows: number[][], cache = new DynamicCache()) => {
    const model = await load();
    await model.forward({ input_ids: rows }, { past_key_values: cache });
    return { model, cache };
  };
  /** Tokens that the model goes on with from each row of the cache. */
  const goOn = async (model: Awaited<ReturnType<typeof load>>, cache: DynamicCache, rows: number[][]) => {
    const result = await model.generate({ input_ids: rows }, { ...greedy(5), past_key_values: cache });
    const fresh = await model.generate({ input_ids: rows }, greedy(5));
    expect(result.new_tokens).toEqual(fresh.new_tokens);
    return result.stats.cached_tokens;
  };

  test("crop keeps the first tokens, or takes some from the end", async () => {
    const { model, cache } = await filled([ids(12)]);
    cache.crop(20);
    expect(cache.get_seq_length()).toBe(12);
    cache.crop(-2);
    expect(cache.get_seq_length()).toBe(10);
    cache.crop(7);
    expect(await goOn(model, cache, [ids(12)])).toBe(7);
    expect(() => cache.crop(1.5)).toThrow("DynamicCache.crop takes an integer, not 1.5");
    cache.reset();
    expect(cache.get_seq_length()).toBe(0);
    expect(await goOn(model, cache, [ids(12)])).toBe(0);
  });

  test("rows are reordered, selected, repeated and copied", async () => {
    const rows = [ids(6), ids(6, 1), ids(6, 2)];
    const { model, cache } = await filled(rows);
    const more = (row: number[], k: number) => [...row, k, k + 1];
    await cache.reorder_cache([2, 0, 2]);
    const moved = [rows[2]!, rows[0]!, rows[2]!];
    const copy = await cache.copy();
    expect(await goOn(model, cache, moved.map(more))).toBe(18);
    await copy.batch_select_indices([1, 2]);
    const selected = await copy.copy();
    expect(await goOn(model, copy, [more(rows[0]!, 1), more(rows[2]!, 5)])).toBe(12);
    await selected.batch_repeat_interleave(2);
    expect(await goOn(model, selected, [rows[0]!, rows[0]!, rows[2]!, rows[2]!].map(more))).toBe(24);
    await expect(copy.reorder_cache([0])).rejects.toThrow("takes one index for each of its 2 rows, not 1");
    await expect(copy.batch_select_indices([2])).rejects.toThrow("there is no row 2 among 2");
  });
});

/** Windows of 6 tokens and chunks of up to 4: rings of 9 slots. */
const windowed = () =>
  load(
    { model_type: "mistral", architectures: ["MistralForCausalLM"], sliding_window: 6 },
    { buckets: { ...BUCKETS, chunk: [2, 4], capacity: 64 } },
  );

describe("sliding windows", () => {
  test("a ring never loses keys that are needed, whatever is cut and gone on with", async () => {
    const model = await windowed();
    const step = fc.record({ cut: fc.integer({ min: 0, max: 12 }), add: fc.integer({ min: 1, max: 9 }) });
    let [refused, cuts] = [0, 0];
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 6 }), async (steps) => {
        const cache = new SlidingWindowCache({ config: model.config, max_cache_len: 64 });
        let text = ids(11);
        await model.forward({ input_ids: [text] }, { past_key_values: cache });
        for (const [k, { cut, add }] of steps.entries()) {
          const kept = Math.max(1, text.length - cut);
          try {
            cache.crop(kept);
            text = text.slice(0, kept);
            cuts++;
          } catch (error) {
            expect(String(error)).toContain("its sliding window has forgotten keys that they need");
            refused++;
          }
          const more = ids(Math.min(add, 60 - text.length), k);
          if (more.length === 0) break;
          const { logits } = await model.forward(
            { input_ids: [more] },
            { past_key_values: cache, logits_to_keep: 1 },
          );
          text = [...text, ...more];
          const fresh = await model.forward({ input_ids: [text] }, { logits_to_keep: 1 });
          expect([...logits.data]).toEqual([...fresh.logits.data]);
        }
        cache.dispose();
      }),
      { numRuns: 25, seed: 3 },
    );
    expect(refused).toBeGreaterThan(5);
    expect(cuts).toBeGreaterThan(20);
  });

  test("a turn that would need forgotten keys is computed from its start", async () => {
    const model = await windowed();
    const cache = new DynamicCache();
    await model.generate({ input_ids: [ids(30)] }, { ...greedy(5), past_key_values: cache });
    const input_ids = [[...ids(20), 0, 0]];
    const options = { ...greedy(5), past_key_values: cache };
    const { new_tokens, stats } = await model.generate({ input_ids }, options);
    expect(stats.cached_tokens).toBe(0);
    expect(new_tokens).toEqual((await model.generate({ input_ids }, greedy(5))).new_tokens);
  });
});

test("of drafts that a ring could not take without losing keys only so many are verified", async () => {
  const model = await windowed();
  const input_ids = [[1, 2, 3, 4, 5, 6, 7, 8, 1, 2]];
  const { new_tokens, stats } = await model.generate(
    { input_ids },
    { ...greedy(40), prompt_lookup_num_tokens: 6 },
  );
  expect(new_tokens).toEqual((await model.generate({ input_ids }, greedy(40))).new_tokens);
  expect(stats.rounds[0]?.drafted).toBe(6);
});

describe("cache_implementation", () => {
  test("max_cache_len makes room for longer texts to come, within the model's positions", async () => {
    const model = await load();
    const run = (length: number, options: object = {}) =>
      model.generate({ input_ids: [ids(length)] }, { ...greedy(4), ...options });
    const { new_tokens } = await run(5);
    const roomy = { cache_implementation: "static", max_cache_len: 50 };
    expect((await run(5, roomy)).new_tokens).toEqual(new_tokens);
    expect(model.runtime.idleSize()).toEqual({ rows: 1, capacity: 64 });
    const { stats } = await run(40, roomy);
    expect(stats.compilations.every(({ entry }) => entry.includes("capacity=64"))).toBe(true);
    await expect(run(5, { ...roomy, max_cache_len: 5000 })).resolves.toBeDefined();
    expect(model.runtime.idleSize()).toEqual({ rows: 1, capacity: 64 });
  });

  test("static keeps the longest cache over calls; quantized keeps bytes", async () => {
    const model = await load();
    model.generation_config.cache_implementation = "static";
    await model.generate({ input_ids: [ids(40)] }, greedy(4));
    const long = model.runtime.idleSize();
    const short = await model.generate({ input_ids: [ids(5)] }, greedy(4));
    expect(model.runtime.idleSize()).toEqual(long);
    expect(short.stats.compilations.every(({ entry }) => entry.includes("capacity=64"))).toBe(true);
    const dynamic = await model.generate(
      { input_ids: [ids(5)] },
      { ...greedy(4), cache_implementation: "dynamic" },
    );
    expect(model.runtime.idleSize()).toEqual({ rows: 1, capacity: 32 });
    expect(dynamic.new_tokens).toEqual(short.new_tokens);
    await model.generate({ input_ids: [ids(5)] }, { ...greedy(4), cache_implementation: "quantized" });
    expect(model.runtime.idleSize()).toEqual({ rows: 1, capacity: 32, cacheDType: "i8" });
  });
});
