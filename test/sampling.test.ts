/** Sampled tokens follow the distribution that Hugging Face computes exactly; seeds make them repeatable. */
import { OPTIONS, select, selectionFor } from "@fusewire/generate";
import { interpret, toValue, trace, type Value } from "@fusewire/ir";
import { describe, expect, test } from "vitest";
import { chiSquare } from "./support/chi_square.ts";
import { withModel } from "./support/engines.ts";
import { goldenPath } from "./support/goldens.ts";
import { numbers, openArrays, readGolden } from "./support/read.ts";

interface Expected {
  readonly prompts: { readonly single: number[][] };
  readonly sampling: { readonly case: number; readonly options: Readonly<Record<string, number>> }[];
}

const { prompts, sampling } = readGolden<Expected>(goldenPath("generation", "expected.json"));
const arrays = await openArrays(goldenPath("generation", "expected.safetensors"));
const prompt = prompts.single[0]!;
/** Scores of the token after the prompt, which is the first row of that case without its pads. */
const logits = (await numbers(arrays("greedy_max_new_tokens.logits"))).subarray(0, 384);
const DRAWS = 4096;

/** Draws from the scores with the program that generate() compiles, one row a draw, each with a seed of its own. */
function draw(options: Readonly<Record<string, number>>, scores: Float32Array, count: number): number[] {
  const vocabulary = scores.length;
  const context = { batch: count, eos: [], prompts: [], width: prompt.length, maxNew: 1 };
  const { selection, inputs: encoded } = selectionFor(true, { top_k: 0, ...options }, context);
  const module = trace({
    draw: (tracer) => ({
      token: select(tracer, selection, tracer.input("scores", { dtype: "f32", shape: [count, vocabulary] }), {
        ids: tracer.input("ids", { dtype: "i32", shape: [count, prompt.length] }),
        lengths: tracer.input("lengths", { dtype: "i32", shape: [count] }),
        keep: 1,
      }).token,
    }),
  });
  const column = (dtype: "i32" | "u32", of: (row: number) => number): Value =>
    toValue(
      { dtype, shape: [count] },
      Array.from({ length: count }, (_, row) => of(row)),
    );
  const inputs = new Map<string, Value>([
    ["scores", toValue({ dtype: "f32", shape: [count, vocabulary] }, repeat(scores, count))],
    ["ids", toValue({ dtype: "i32", shape: [count, prompt.length] }, repeat(prompt, count))],
    ["lengths", column("i32", () => prompt.length)],
    ["seed", column("u32", (row) => row + 1)],
    ...Object.entries(encoded),
  ]);
  const { outputs } = interpret(module, "draw", { inputs: (name) => inputs.get(name)! });
  return Array.from(outputs.get("token")!.data);
}

function repeat(row: ArrayLike<number>, count: number): Float64Array {
  const all = new Float64Array(row.length * count);
  for (let i = 0; i < all.length; i++) all[i] = row[i % row.length]!;
  return all;
}

function histogram(tokens: readonly number[], size: number): number[] {
  const counts = new Array<number>(size).fill(0);
  for (const token of tokens) counts[token]! += 1;
  return counts;
}

const built = sampling.filter(({ options }) => Object.keys(options).every((name) => name in OPTIONS));

describe("the distribution of one draw", () => {
  test("all of the reference's cases are built", () => expect(built).toEqual(sampling));

  test.each(built)("case $case: $options", async (one) => {
    const exact = await numbers(arrays(`sampling.${one.case}.probs`));
    const counts = histogram(draw(one.options, logits, DRAWS), exact.length);
    expect(chiSquare(counts, exact)).toBeGreaterThan(1e-3);
  });

  test("the test notices a wrong temperature and a token outside the kept set", async () => {
    const exact = await numbers(arrays("sampling.1.probs"));
    expect(chiSquare(histogram(draw({ temperature: 0.8 }, logits, DRAWS), 384), exact)).toBeLessThan(1e-3);
    const kept = await numbers(arrays("sampling.3.probs"));
    expect(chiSquare(histogram(draw({ top_k: 6 }, logits, DRAWS), 384), kept)).toBe(0);
  });
});

describe.each(["interpreter", "eager:wasm", "wasm", "webgpu"])("generate() on %s", (device) => {
  const directory = goldenPath("generation", "target");
  const options = { do_sample: true, temperature: 0.9, top_k: 8, max_new_tokens: 12, eos_token_id: [] };

  test("draws from that distribution", () =>
    withModel(directory, device, async (model) => {
      const exact = await numbers(arrays("sampling.3.probs"));
      const tokens: number[] = [];
      for (let round = 0; round < 12; round++) {
        const input_ids = new Array<number[]>(32).fill(prompt);
        const { new_tokens } = await model.generate(
          { input_ids },
          { do_sample: true, top_k: 5, max_new_tokens: 1, seed: round, eos_token_id: [] },
        );
        tokens.push(...new_tokens.flat());
      }
      expect(chiSquare(histogram(tokens, exact.length), exact)).toBeGreaterThan(1e-3);
    }));

  test("the same seed gives the same tokens, alone or in a batch; another seed gives others", () =>
    withModel(directory, device, async (model) => {
      const alone = await model.generate({ input_ids: [prompt] }, { ...options, seed: 7 });
      const again = await model.generate({ input_ids: [prompt] }, { ...options, seed: 7 });
      const batch = await model.generate(
        {
          input_ids: [
            [9, ...prompt],
            [...prompt, 3],
            [...prompt, 5],
          ].map((row) => row.slice(-7)),
        },
        { ...options, seed: [1, 2, 3] },
      );
      const single = await model.generate(
        { input_ids: [[...prompt, 3].slice(-7)] },
        { ...options, seed: [2] },
      );
      const other = await model.generate({ input_ids: [prompt] }, { ...options, seed: 8 });
      expect(again.new_tokens).toEqual(alone.new_tokens);
      expect(batch.new_tokens[1]).toEqual(single.new_tokens[0]);
      expect(other.new_tokens).not.toEqual(alone.new_tokens);
      expect(alone.stats.seed).toBe(7);
    }));
});

describe("beam sampling", () => {
  test("draws texts of two tokens as an enumeration of all draws has it", () =>
    withModel(goldenPath("generation", "target"), "wasm", async (model) => {
      const rowsOf = async (rows: number[][]) => {
        const { logits } = await model.forward({ input_ids: rows });
        const scores = rows.map((row, b) =>
          logits.data.slice((b * row.length + row.length - 1) * 384).slice(0, 384),
        );
        return scores.map((row) => kept(Array.from(row)));
      };
      const [first] = await rowsOf([prompt]);
      const second = await rowsOf(first!.map(({ id }) => [...prompt, id]));
      const texts = first!.flatMap((one, i) => second[i]!.map(({ id }) => [one.id, id].join()));
      const exact = new Array<number>(texts.length).fill(0);
      for (const [beams, likely] of bestTwo(first!.map(({ log }) => log))) {
        const sums = beams.flatMap((i) => second[i]!.map(({ log }) => first![i]!.log + log));
        for (const [[best], part] of bestTwo(sums))
          exact[beams[Math.floor(best! / KEPT)]! * KEPT + (best! % KEPT)]! += likely * part;
      }
      const counts = new Array<number>(texts.length).fill(0);
      for (let round = 0; round < 64; round++) {
        const { new_tokens } = await model.generate(
          { input_ids: new Array<number[]>(16).fill(prompt) },
          { num_beams: 2, do_sample: true, top_k: KEPT, max_new_tokens: 2, seed: round, eos_token_id: [] },
        );
        for (const row of new_tokens) counts[texts.indexOf(row.join())]! += 1;
      }
      expect(chiSquare(counts, exact)).toBeGreaterThan(1e-3);
      // A distribution that is too sharp is told from it.
      const greedy = exact.map((share) => share ** 2);
      const total = greedy.reduce((sum, share) => sum + share);
      expect(
        chiSquare(
          counts,
          greedy.map((share) => share / total),
        ),
      ).toBeLessThan(1e-3);
    }));
});

const KEPT = 6;

/** The ids that top_k leaves, likeliest first, with the logarithm of their probability among all. */
function kept(scores: readonly number[]): { readonly id: number; readonly log: number }[] {
  const total = Math.log(scores.reduce((sum, score) => sum + Math.exp(score), 0));
  return scores
    .map((score, id) => ({ id, log: score - total }))
    .sort((a, b) => b.log - a.log)
    .slice(0, KEPT);
}

/** Each pair that may be the best two, the better first, of four draws without replacement, and how likely it is. */
function bestTwo(logs: readonly number[]): [pair: [number, number], likely: number][] {
  const weights = logs.map(Math.exp);
  const found = new Map<number, number>();
  const draw = (drawn: readonly number[], likely: number, rest: number): void => {
    if (drawn.length === 4) {
      const [a, b] = [...drawn].sort((i, j) => logs[j]! - logs[i]!) as [number, number];
      const pair = a * logs.length + b;
      found.set(pair, (found.get(pair) ?? 0) + likely);
      return;
    }
    for (const [i, weight] of weights.entries())
      if (!drawn.includes(i)) draw([...drawn, i], (likely * weight) / rest, rest - weight);
  };
  draw(
    [],
    1,
    weights.reduce((sum, weight) => sum + weight),
  );
  return [...found].map(([pair, likely]) => [[Math.floor(pair / logs.length), pair % logs.length], likely]);
}
