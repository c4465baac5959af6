import { emptyValue, toValue } from "@fusewire/ir";
import { encodeSafetensors, type ModelFiles, memoryFiles } from "@fusewire/models";
import { createReferenceEngine } from "@fusewire/passes";
import { describe, expect, test } from "vitest";
import { type LoadOptions, loadCausalLM } from "./load.ts";
import { tinyModel, tinyWeights } from "./testing/tiny_model.ts";
import type { LoadProgress } from "./weights.ts";

const load = (files = tinyModel(), options: Partial<LoadOptions> = {}) =>
  loadCausalLM(files, { engine: createReferenceEngine(), ...options });
const input_ids = [[3, 1, 4, 1, 5]];

/** A model with one tensor more, of 20 numbers in F4. */
function withFours(name: string): ModelFiles {
  const weights = tinyWeights().set(name, emptyValue({ dtype: "u8", shape: [10] }));
  const bytes = Buffer.from(encodeSafetensors(weights)).toString("latin1");
  const fours = Buffer.from(bytes.replace('"U8","shape":[10]', '"F4","shape":[20]'), "latin1");
  const [model, checkpoint] = [tinyModel(), memoryFiles({ "model.safetensors": new Uint8Array(fours) })];
  return { ...model, open: async (file) => (await checkpoint.open(file)) ?? model.open(file) };
}

describe("weights that do not fit are refused, with names and shapes", () => {
  const changed = (change: (weights: ReturnType<typeof tinyWeights>) => void) => {
    const weights = tinyWeights();
    change(weights);
    return tinyModel({ weights });
  };
  test("missing", async () => {
    const files = changed((weights) => weights.delete("model.layers.1.mlp.up_proj.weight"));
    await expect(load(files)).rejects.toThrow(
      "the checkpoint lacks weights that config.json asks for: model.layers.1.mlp.up_proj.weight [24,16]",
    );
  });
  test("extra", async () => {
    const files = changed((weights) =>
      weights.set("model.extra", toValue({ dtype: "f32", shape: [2] }, [1, 2])),
    );
    await expect(load(files)).rejects.toThrow("config.json has no place for: model.extra [2]");
  });
  test("extra, in a dtype that cannot be read; a buffer is left alone", async () => {
    await expect(load(withFours("model.extra"))).rejects.toThrow(
      "config.json has no place for: model.extra [20]",
    );
    await expect(load(withFours("model.layers.0.self_attn.rotary_emb.inv_freq"))).resolves.toBeDefined();
  });
  test("misshapen", async () => {
    const files = changed((weights) =>
      weights.set("model.norm.weight", toValue({ dtype: "f32", shape: [15] }, new Array(15).fill(1))),
    );
    await expect(load(files)).rejects.toThrow(
      "weight 'model.norm.weight' is f32[15], but config.json makes it [16]",
    );
  });
  test("not finite", async () => {
    const files = changed((weights) =>
      weights.set(
        "model.norm.weight",
        toValue({ dtype: "bf16", shape: [16] }, [1, Number.NaN, ...new Array(14).fill(1)]),
      ),
    );
    const model = await load(files);
    await expect(model.load()).rejects.toThrow(
      "weight 'model.norm.weight' bf16[16] holds a value that is not a finite number, at element 1",
    );
  });
  test("an unknown dtype, attention or pass", async () => {
    await expect(load(undefined, { dtype: "int3" as never })).rejects.toThrow(
      "dtype 'int3' is not supported",
    );
    await expect(load(undefined, { dtype: { bits: 4, group: "row" } as never })).rejects.toThrow(
      'dtype {"bits":4,"group":"row"} is not supported; { bits: 8 } takes group 32, 64, 128 or "row"',
    );
    await expect(load(undefined, { dtype: { bits: 8, group: 32 } })).rejects.toThrow(
      "groups of 32 do not divide the rows of model.embed_tokens.weight [",
    );
    await expect(load(undefined, { attn_implementation: "flex" as never })).rejects.toThrow(
      "attn_implementation 'flex' is not supported; choose one of eager, sdpa",
    );
    const model = await load(undefined, { disable_passes: ["fuse_everything" as never] });
    await expect(model.load()).rejects.toThrow("'fuse_everything' is not an optional pass");
  });
});

test("loading tells how far it is, and reads each weight once", async () => {
  const seen: LoadProgress[] = [];
  const model = await load(undefined, { progress_callback: (progress) => seen.push(progress) });
  await model.load();
  await model.generate({ input_ids }, { max_new_tokens: 2 });
  expect(seen).toHaveLength(tinyWeights().size);
  expect(seen.at(-1)!.loaded).toBe(seen.at(-1)!.total);
});

test("attn_implementation eager keeps the plain products and gives the same tokens", async () => {
  const [fused, plain] = await Promise.all([load(), load(undefined, { attn_implementation: "eager" })]);
  const options = { max_new_tokens: 10 };
  const [a, b] = [await fused.generate({ input_ids }, options), await plain.generate({ input_ids }, options)];
  expect(b.new_tokens).toEqual(a.new_tokens);
  expect(b.stats.launches).toBeGreaterThan(a.stats.launches);
});

test("forward gives rows of any lengths in a batch what each gets alone", async () => {
  const model = await load(tinyModel(), { buckets: { batch: [1, 4], chunk: [4, 8], capacity: 64 } });
  const rows = [23, 40, 5].map((length) => Array.from({ length }, (_, i) => (7 * i + length) % 40));
  const pads = (row: number[]) => new Array<number>(40 - row.length);
  const { logits } = await model.forward({
    input_ids: rows.map((row) => [...row, ...pads(row).fill(0)]),
    attention_mask: rows.map((row) => [...row.map(() => 1), ...pads(row).fill(0)]),
  });
  for (const [b, row] of rows.entries()) {
    const alone = (await model.forward({ input_ids: [row] })).logits.data;
    const from = b * 40 * 40;
    expect([...logits.data.subarray(from, from + alone.length)]).toEqual([...alone]);
    expect(logits.data.subarray(from + alone.length, from + 40 * 40).every((x) => x === 0)).toBe(true);
  }
});

describe("compilations", () => {
  test("happen once a program and say why", async () => {
    const model = await load(tinyModel(), { buckets: { batch: [1, 2], chunk: [4, 8], capacity: 32 } });
    const run = async (rows: number[][], max_new_tokens: number, more: object = {}) =>
      (await model.generate({ input_ids: rows }, { max_new_tokens, ...more })).stats.compilations.map(
        ({ entry, reason }) => `${entry.split(" ")[0]}: ${reason}`,
      );
    expect(await run(input_ids, 3)).toEqual([
      "begin: first begin",
      "prefill: first prefill",
      "decode: first decode",
    ]);
    expect(await run([[1, 2, 3]], 9)).toEqual([]);
    expect(await run([[1], [2]], 9)).toEqual([
      "begin: batch 1 -> 2, rows 1 -> 2",
      "decode: batch 1 -> 2, rows 1 -> 2",
    ]);
    expect(await run(input_ids, 40)).toEqual([
      "begin: capacity 32 -> 64",
      "prefill: capacity 32 -> 64",
      "decode: capacity 32 -> 64",
    ]);
    expect(await run(input_ids, 3, { do_sample: true, temperature: 0.5 })).toEqual([
      "decode: selection greedy -> sample",
    ]);
    expect(await run(input_ids, 3, { do_sample: true, top_p: 0.5, seed: 3 })).toEqual([]);
    expect(await run(input_ids, 3, { repetition_penalty: 1.2 })).toEqual([
      "decode: selection greedy -> greedy+repetition_penalty",
    ]);
  });

  test("warm-up makes all that generation needs", async () => {
    const model = await load();
    await model.warmup({ batch_size: 2 });
    const before = model.runtime.programs.compilations.length;
    await model.generate(
      {
        input_ids: [
          [1, 2],
          [3, 4],
        ],
      },
      { max_new_tokens: 2 },
    );
    await model.generate(
      { input_ids: [new Array<number>(40).fill(2), new Array<number>(40).fill(3)] },
      { do_sample: true },
    );
    expect(model.runtime.programs.compilations.slice(before)).toEqual([]);
  });
});

describe("generation", () => {
  test("two at once do not disturb each other", async () => {
    const model = await load();
    const run = (row: number[]) => model.generate({ input_ids: [row] }, { max_new_tokens: 12 });
    const alone = [await run([1, 2, 3]), await run([9, 8])];
    const together = await Promise.all([run([1, 2, 3]), run([9, 8])]);
    expect(together.map(({ new_tokens }) => new_tokens)).toEqual(alone.map(({ new_tokens }) => new_tokens));
  });

  test("rows end on their own; the rest of a row is pads", async () => {
    const model = await load();
    const free = await model.generate(
      {
        input_ids: [
          [1, 2, 3],
          [7, 8, 9],
        ],
      },
      { max_new_tokens: 8 },
    );
    const eos = free.new_tokens[0]![2]!;
    const expected = free.new_tokens.map((row) => {
      const end = row.indexOf(eos);
      return end === -1 ? row : row.slice(0, end + 1);
    });
    const { new_tokens, sequences } = await model.generate(
      {
        input_ids: [
          [1, 2, 3],
          [7, 8, 9],
        ],
      },
      { max_new_tokens: 8, eos_token_id: [eos], pad_token_id: 39 },
    );
    expect(new_tokens).toEqual(expected);
    const longest = Math.max(...expected.map((row) => row.length));
    expect(sequences[0]!.slice(3)).toEqual([
      ...expected[0]!,
      ...new Array(longest - expected[0]!.length).fill(39),
    ]);
  });

  test("a signal stops it between two steps, and the model works on", async () => {
    const model = await load();
    const controller = new AbortController();
    const seen: number[] = [];
    const stream = model.stream({ input_ids }, { max_new_tokens: 30, signal: controller.signal });
    await expect(async () => {
      for await (const { tokens } of stream) {
        seen.push(tokens[0]!);
        if (seen.length === 3) controller.abort();
      }
    }).rejects.toThrow(/abort/i);
    expect(seen).toHaveLength(3);
    const after = await model.generate({ input_ids }, { max_new_tokens: 3 });
    expect(after.new_tokens[0]).toEqual(seen);
  });

  test("a stream that is left early gives its cache back", async () => {
    const engine = createReferenceEngine();
    const model = await loadCausalLM(tinyModel(), { engine });
    await model.generate({ input_ids }, { max_new_tokens: 4 });
    const { bytes } = engine.held();
    for await (const _ of model.stream({ input_ids }, { max_new_tokens: 30 })) break;
    await model.generate({ input_ids }, { max_new_tokens: 4 });
    expect(engine.held().bytes).toBe(bytes);
  });

  test("stats count tokens, runs and launches", async () => {
    const model = await load();
    const { stats } = await model.generate(
      {
        input_ids: [
          [1, 2, 3],
          [4, 5, 6],
        ],
      },
      { max_new_tokens: 5 },
    );
    expect(stats).toMatchObject({
      device: "interpreter",
      prompt_tokens: 6,
      new_tokens: 10,
      submits: 1 + 1 + 5,
    });
    expect(stats.launches).toBeGreaterThan(5 * 2 * 8);
    expect(stats.bytes).toBe(model.runtime.engine.held().bytes);
  });
});

test("the configuration has sizes under their names of transformers, also those that the file leaves out", async () => {
  const { config } = await load(tinyModel({ config: { eos_token_id: [2, 3], pad_token_id: 0 } }));
  expect(config).toMatchObject({
    model_type: "llama",
    vocab_size: 40,
    hidden_size: 16,
    intermediate_size: 24,
    num_hidden_layers: 2,
    num_attention_heads: 4,
    num_key_value_heads: 2,
    head_dim: 4,
    max_position_embeddings: 64,
    tie_word_embeddings: true,
    bos_token_id: undefined,
    eos_token_id: [2, 3],
    pad_token_id: 0,
  });
  expect(config.values.rms_norm_eps).toBe(1e-6);
});

test("model.dtype names how weights are kept", async () => {
  const half = new Map(
    [...tinyWeights()].map(([name, { type, data }]) => [
      name,
      toValue({ dtype: "bf16", shape: type.shape }, Array.from(data, Number)),
    ]),
  );
  const files = tinyModel({ weights: half });
  expect((await load()).dtype).toBe("float32");
  expect((await load(files)).dtype).toBe("bfloat16");
  expect((await load(files, { dtype: "float16" })).dtype).toBe("float16");
  expect((await load(tinyModel(), { dtype: { bits: 8, group: "row" } })).dtype).toEqual({
    bits: 8,
    group: "row",
  });
});
