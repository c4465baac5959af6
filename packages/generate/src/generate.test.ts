import { createReferenceEngine } from "@fusewire/passes";
import { describe, expect, test } from "vitest";
import { compile } from "./compile/compile.ts";
import { type CausalLM, loadCausalLM } from "./load.ts";
import type { GenerationOptions } from "./options/index.ts";
import type { LogitsProcessor } from "./processors/host.ts";
import type { AllScores } from "./result.ts";
import { compute_transition_scores } from "./scores/transition_scores.ts";
import type { GenerationStep } from "./step.ts";
import type { StoppingCriterion } from "./stopping/criteria.ts";
import { tinyModel } from "./testing/tiny_model.ts";

const load = () => loadCausalLM(tinyModel(), { engine: createReferenceEngine() });
const inputs = {
  input_ids: [
    [0, 0, 3, 1, 4, 1],
    [5, 9, 2, 6, 5, 3],
  ],
  attention_mask: [
    [0, 0, 1, 1, 1, 1],
    [1, 1, 1, 1, 1, 1],
  ],
};
const same: LogitsProcessor = (_ids, scores) => scores;
const only =
  (id: number): LogitsProcessor =>
  (_ids, scores) =>
    scores.map((row) => row.map((score, v) => (v === id ? score : Number.NEGATIVE_INFINITY)));

/** The model's generate, compiled to several steps a submit. */
async function compiled(options: object = {}): Promise<CausalLM> {
  const model = await load();
  model.generate = compile(model.generate, { steps_per_submit: 4, ...options });
  return model;
}

describe("num_return_sequences", () => {
  test("draws as rows of their own would", async () => {
    const model = await load();
    const options = { do_sample: true, max_new_tokens: 6, seed: 3 };
    const several = await model.generate(inputs, { ...options, num_return_sequences: 3 });
    const repeat = (rows: number[][]) => rows.flatMap((row) => [row, row, row]);
    const rows = await model.generate(
      { input_ids: repeat(inputs.input_ids), attention_mask: repeat(inputs.attention_mask) },
      options,
    );
    expect(several.sequences).toEqual(rows.sequences);
    expect(new Set(several.new_tokens.map(String)).size).toBeGreaterThan(3);
    expect(several.stats.prompt_tokens).toBe(10);
  });

  test("takes one seed for each text", async () => {
    const model = await load();
    const options = { do_sample: true, max_new_tokens: 2, num_return_sequences: 2 };
    await expect(model.generate(inputs, { ...options, seed: [1, 2] })).rejects.toThrow(
      "seed has 2 values for 4 rows",
    );
  });
});

test("the prompt of several texts is computed once", async () => {
  for (const more of [{ num_beams: 4 }, { do_sample: true, num_return_sequences: 4 }]) {
    const model = await load();
    const { stats } = await model.generate({ input_ids: [[3, 1, 4]] }, { max_new_tokens: 1, ...more });
    const entries = stats.compilations.map(({ entry }) => entry);
    expect(entries.filter((entry) => entry.startsWith("prefill"))).toEqual([
      "prefill length=8 batch=1 rows=4 capacity=64",
    ]);
    expect(entries.filter((entry) => entry.startsWith("reorder"))).toHaveLength(1);
  }
});

describe("processors in JavaScript", () => {
  const options: GenerationOptions[] = [
    { repetition_penalty: 1.3, suppress_tokens: [7], forced_eos_token_id: 2 },
    {
      do_sample: true,
      seed: 5,
      temperature: 0.8,
      top_p: 0.9,
      suppress_tokens: [7],
      renormalize_logits: true,
    },
    { num_beams: 3, repetition_penalty: 1.3 },
    { num_beams: 2, do_sample: true, seed: 5, temperature: 1.5 },
  ];
  test.each(options)("that change nothing give the tokens of the graph: %j", async (one) => {
    const model = await load();
    const scores = { output_scores: true, output_logits: true };
    const all = { max_new_tokens: 6, eos_token_id: 11, ...scores, ...one };
    const { stats: plain, ...graph } = await model.generate(inputs, all);
    const { stats, ...host } = await model.generate(inputs, {
      ...all,
      logits_processor: [same, same],
      prefix_allowed_tokens_fn: () => Array.from({ length: 40 }, (_, id) => id),
    });
    expect(host).toEqual(graph);
    expect(stats.host_processors).toBe(3);
    expect(plain.host_processors).toBeUndefined();
  });

  test("see the rows so far without pads, and what was processed before them", async () => {
    const model = await load();
    const seen: { ids: number[]; banned: boolean; tempered: number }[] = [];
    const look: LogitsProcessor = (ids, scores) => {
      seen.push({
        ids: [...ids[0]!],
        banned: scores[0]![7] === Number.NEGATIVE_INFINITY,
        tempered: scores[0]![3]!,
      });
      return scores;
    };
    const all = { max_new_tokens: 2, suppress_tokens: [7], do_sample: true, seed: 1, output_logits: true };
    const { new_tokens, logits } = await model.generate(inputs, {
      ...all,
      temperature: 9,
      logits_processor: [look],
    });
    expect(seen).toEqual([
      { ids: [3, 1, 4, 1], banned: true, tempered: logits![0]![0]![3] },
      { ids: [3, 1, 4, 1, new_tokens[0]![0]], banned: true, tempered: logits![1]![0]![3] },
    ]);
  });

  test("prefix_allowed_tokens_fn gets the number of the prompt, and forced tokens come after it", async () => {
    const model = await load();
    const prompts: number[] = [];
    const { new_tokens } = await model.generate(inputs, {
      do_sample: true,
      seed: 1,
      num_return_sequences: 2,
      max_new_tokens: 3,
      forced_eos_token_id: 2,
      prefix_allowed_tokens_fn: (prompt) => {
        prompts.push(prompt);
        return [20 + prompt];
      },
    });
    expect(new_tokens).toEqual([
      [20, 20, 2],
      [20, 20, 2],
      [21, 21, 2],
      [21, 21, 2],
    ]);
    expect(prompts.slice(0, 4)).toEqual([0, 0, 1, 1]);
  });

  test("each costs what it says: two submits a token beside the prompt's", async () => {
    const model = await load();
    const one = { input_ids: [[3, 1, 4]] };
    const plain = await model.generate(one, { max_new_tokens: 4 });
    const host = await model.generate(one, { max_new_tokens: 4, logits_processor: [same, same] });
    expect(host.stats.submits - plain.stats.submits).toBe(4);
  });

  test("decide; and what they return is checked", async () => {
    const model = await load();
    const generate = (processor: unknown) =>
      model.generate(inputs, { max_new_tokens: 2, logits_processor: [processor as LogitsProcessor] });
    expect((await generate(only(9))).new_tokens).toEqual([
      [9, 9],
      [9, 9],
    ]);
    await expect(generate(() => undefined)).rejects.toThrow("must return 2 rows of 40 scores");
    await expect(
      model.generate(inputs, { max_new_tokens: 2, prefix_allowed_tokens_fn: () => [] }),
    ).rejects.toThrow("prefix_allowed_tokens_fn returned no ids for prompt 0");
    const whole = await compiled({ fullgraph: true });
    await expect(whole.generate(inputs, { logits_processor: [same] })).rejects.toThrow("fullgraph is true");
  });
});

describe("rows that JavaScript stops", () => {
  const two: StoppingCriterion = (ids) => ids.map((row) => row.length >= 8);
  const strategies: [string, GenerationOptions][] = [
    ["plain", {}],
    ["prompt lookup", { prompt_lookup_num_tokens: 4 }],
    ["processors", { logits_processor: [same] }],
  ];
  test.each(strategies)("end, each for itself: %s", async (_name, more) => {
    const options = { max_new_tokens: 12, eos_token_id: [], pad_token_id: 0, ...more };
    for (const model of [await load(), await compiled()]) {
      const { new_tokens: all } = await model.generate(inputs, options);
      const { new_tokens, sequences } = await model.generate(inputs, {
        ...options,
        stopping_criteria: [two],
      });
      expect(new_tokens).toEqual([all[0]!.slice(0, 4), all[1]!.slice(0, 2)]);
      expect(sequences[1]!.slice(-2)).toEqual([0, 0]);
    }
  });

  test("see scores where those are returned, and what they return is checked", async () => {
    const model = await load();
    const counts: (number | undefined)[] = [];
    const look: StoppingCriterion = (_ids, scores) => counts.push(scores?.length) >= 4;
    await model.generate(inputs, { max_new_tokens: 2, stopping_criteria: [look] });
    await model.generate(inputs, { max_new_tokens: 9, output_scores: true, stopping_criteria: [look] });
    expect(counts).toEqual([undefined, undefined, 1, 2]);
    const wrong = (() => [true]) as StoppingCriterion;
    await expect(model.generate(inputs, { stopping_criteria: [wrong] })).rejects.toThrow(
      "for each of 2 rows",
    );
  });

  test("max_time ends all of them behind the pass that is under way", async () => {
    const model = await load();
    const short = await model.generate(inputs, { max_new_tokens: 9, max_time: 1e-6 });
    expect(short.new_tokens.map((row) => row.length)).toEqual([1, 1]);
    const beams = await model.generate(inputs, { max_new_tokens: 9, max_time: 1e-6, num_beams: 2 });
    expect(beams.new_tokens.map((row) => row.length)).toEqual([1, 1]);
    const long = await model.generate(inputs, { max_new_tokens: 3, max_time: 1000 });
    expect(long.new_tokens.map((row) => row.length)).toEqual([3, 3]);
  });
});

describe("scores", () => {
  test("leave the device only where they are asked for", async () => {
    const model = await load();
    const steps: GenerationStep[] = [];
    for await (const step of model.stream(inputs, { max_new_tokens: 1 })) steps.push(step);
    for await (const step of model.stream(inputs, { max_new_tokens: 1, output_logprobs: true }))
      steps.push(step);
    expect(steps.map((step) => Object.keys(step))).toEqual([["tokens"], ["tokens", "logprobs"]]);
  });

  test("logprobs are the transition scores, one step or several a submit, greedy and sampled", async () => {
    for (const model of [await load(), await compiled()])
      for (const more of [{}, { do_sample: true, seed: 4, top_k: 5 }]) {
        const result = await model.generate(inputs, {
          max_new_tokens: 7,
          eos_token_id: 11,
          output_scores: true,
          output_logprobs: true,
          ...more,
        });
        const transitions = compute_transition_scores(result.sequences, result.scores!, undefined, true);
        for (const [b, row] of result.logprobs!.entries())
          for (const [t, logprob] of row.entries()) expect(logprob).toBeCloseTo(transitions[b]![t]!, 5);
        expect(result.logprobs!.map((row) => row.length)).toEqual(result.new_tokens.map((row) => row.length));
      }
  });

  test("of beams add up to the score of a text", async () => {
    const model = await load();
    const result = await model.generate(inputs, {
      num_beams: 3,
      num_return_sequences: 3,
      length_penalty: 0.7,
      max_new_tokens: 6,
      eos_token_id: [11, 12],
      output_scores: true,
      output_logprobs: true,
    });
    const transitions = compute_transition_scores(result.sequences, result.scores!, result.beam_indices);
    for (const [b, score] of result.sequences_scores!.entries()) {
      const length = result.new_tokens[b]!.length ** 0.7;
      const sum = (row: readonly number[]) => row.reduce((a, x) => a + x, 0);
      expect(sum(transitions[b]!) / length).toBeCloseTo(score, 4);
      expect(sum(result.logprobs![b]!) / length).toBeCloseTo(score, 4);
    }
    expect(result.scores satisfies AllScores | undefined).toHaveLength(6);
    expect(result.scores![0]).toHaveLength(6);
  });
});

test("every token has its time", async () => {
  const model = await load();
  const { stats } = await model.generate(inputs, { max_new_tokens: 5, eos_token_id: [] });
  expect(stats.token_times_ms).toHaveLength(5);
  expect([...stats.token_times_ms].sort((a, b) => a - b)).toEqual(stats.token_times_ms);
  expect(stats.time_to_first_token_ms).toBe(stats.token_times_ms[0]);
});

describe("finish_reason says why each row ended", () => {
  test("by an end token or at its length", async () => {
    const model = await load();
    const { new_tokens } = await model.generate(inputs, { max_new_tokens: 6, eos_token_id: [] });
    // A token of the first row that the second has not.
    const end = new_tokens[0]!.find((id) => !new_tokens[1]!.includes(id))!;
    const result = await model.generate(inputs, { max_new_tokens: 6, eos_token_id: end });
    expect(result.finish_reason).toEqual(["stop", "length"]);
  });

  test("by the clock, or by a criterion of the caller", async () => {
    const model = await load();
    const options = { max_new_tokens: 6, eos_token_id: [] };
    const late = await model.generate(inputs, { ...options, max_time: 1e-9 });
    expect(late.finish_reason).toEqual(["time", "time"]);
    const first: StoppingCriterion = (rows) => rows.map((_, b) => b === 0);
    const one = await model.generate(inputs, { ...options, stopping_criteria: [first] });
    expect(one.finish_reason).toEqual(["aborted", "length"]);
    expect(one.new_tokens.map((row) => row.length)).toEqual([1, 6]);
  });

  test("of beams, for each text that is returned", async () => {
    const model = await load();
    const options = { max_new_tokens: 4, num_beams: 3, num_return_sequences: 2 };
    const { finish_reason } = await model.generate(inputs, { ...options, eos_token_id: [] });
    expect(finish_reason).toEqual(["length", "length", "length", "length"]);
    const late = await model.generate(inputs, { ...options, eos_token_id: [], max_time: 1e-9 });
    expect(late.finish_reason).toEqual(["time", "time", "time", "time"]);
  });
});
