/** Options of generate() against Hugging Face's own generations. */
import {
  type CausalLM,
  compile,
  type GenerationOptions,
  type GenerationResult,
  loadCausalLM,
  OPTIONS,
} from "@fusewire/generate";
import { loadTokenizer } from "@fusewire/models";
import { openModelDirectory } from "@fusewire/models/node";
import { describe, expect, test } from "vitest";
import { ENGINES, withModel } from "./support/engines.ts";
import { goldenPath } from "./support/goldens.ts";
import { largestDifference, numbers, openArrays, readGolden } from "./support/read.ts";

interface Case {
  readonly case: string;
  readonly options: GenerationOptions;
  readonly prompt: "left_padded" | "single";
  readonly new_tokens: number[][];
  /** Of beam search. */
  readonly sequences_scores?: number[];
  readonly beam_indices?: number[][];
}

interface Expected {
  readonly prompts: {
    readonly left_padded: { readonly input_ids: number[][]; readonly attention_mask: number[][] };
    readonly single: number[][];
  };
  readonly cases: Case[];
}

const { prompts, cases } = readGolden<Expected>(goldenPath("generation", "expected.json"));
const isStopped = ({ options }: Case) => "stop_strings" in options;
/** Where all cases of beams run; the penalties differ in what the host does, and elsewhere one of them is enough. */
const isShown = ({ case: name }: Case, device: string) => {
  if (device === "wasm" || !name.startsWith("beam")) return true;
  return device === "eager:cpu"
    ? name === "beam_3_single"
    : !/^beam_3_lp.*(True|never|2.0_False)$/.test(name);
};
const arrays = await openArrays(goldenPath("generation", "expected.safetensors"));
const directory = goldenPath("generation", "target");
const tokenizer = await loadTokenizer(await openModelDirectory(directory));

const inputsOf = ({ prompt }: Case) =>
  prompt === "single" ? { input_ids: prompts.single } : prompts.left_padded;

/** Runs a case. The reference ran with the end of sequence disabled unless a case sets one, and pads with 0. */
const run = (model: CausalLM, one: Case, more: GenerationOptions = {}): Promise<GenerationResult> =>
  model.generate(inputsOf(one), {
    eos_token_id: [],
    ...one.options,
    ...(isStopped(one) && { tokenizer }),
    ...more,
  });

function expectSequences({ sequences }: GenerationResult, one: Case): void {
  const repeats = one.options.num_return_sequences ?? 1;
  const rows = inputsOf(one).input_ids.flatMap((row) => new Array<number[]>(repeats).fill(row));
  expect(sequences).toEqual(rows.map((row, b) => [...row, ...one.new_tokens[b]!]));
}

test("every case is built", () => {
  expect(cases.filter(({ options }) => !Object.keys(options).every((name) => name in OPTIONS))).toEqual([]);
});

describe.each(Object.keys(ENGINES))("on %s", (device) => {
  // Without end tokens Hugging Face goes on with rows that a stop string ended while others run; here they end.
  test.each(cases.filter(isStopped))("$case", (one) =>
    withModel(directory, device, async (model) => {
      const { new_tokens, finish_reason } = await run(model, one);
      expect(new_tokens).toEqual([one.new_tokens[0]!.slice(0, 14), one.new_tokens[1]]);
      expect(finish_reason).toEqual(["stop_string", "length"]);
      expect(tokenizer.decode(new_tokens[0]!)).toMatch(/ st$/);
    }),
  );

  const shown = cases.filter((one) => !isStopped(one) && isShown(one, device));
  test.each(shown)("$case", (one) =>
    withModel(directory, device, async (model) => {
      const result = await run(model, one);
      expectSequences(result, one);
      if (!one.sequences_scores) return;
      expect(largestDifference(result.sequences_scores!, one.sequences_scores)).toBeLessThan(3e-4);
      expect(result.beam_indices).toEqual(one.beam_indices!.map((row) => row.filter((b) => b >= 0)));
    }),
  );

  test.each(["greedy_max_new_tokens", "greedy_min_new_tokens", "greedy_penalties"])(
    "scores and logits of %s",
    (name) =>
      withModel(directory, device, async (model) => {
        const one = cases.find((candidate) => candidate.case === name)!;
        const result = await run(model, one, {
          output_scores: true,
          output_logits: true,
          output_logprobs: true,
        });
        for (const output of ["scores", "logits"] as const) {
          const expected = await numbers(arrays(`${name}.${output}`));
          const size = expected.length / (2 * result[output]!.length);
          for (const [t, rows] of result[output]!.entries())
            for (const [b, row] of rows.entries()) {
              // Hugging Face computes on behind an end, and we do not.
              expect(row === undefined).toBe(t >= result.new_tokens[b]!.length);
              const from = (b * result[output]!.length + t) * size;
              if (row)
                expect(largestDifference(row, expected.subarray(from, from + size))).toBeLessThan(3e-4);
            }
        }
      }),
  );
});

describe("a stop string ends a text alike", () => {
  const one = cases.find((candidate) => candidate.case === "greedy_stop_string_across_tokens")!;
  const expected = [one.new_tokens[0]!.slice(0, 14), one.new_tokens[1]];

  test.each(["wasm", "eager:wasm"])("with several steps a submit and with drafts, on %s", (device) =>
    withModel(directory, device, async (model, engine) => {
      const assistant_model = await loadCausalLM(
        await openModelDirectory(goldenPath("generation", "draft")),
        {
          engine,
        },
      );
      const options: GenerationOptions = { eos_token_id: [], ...one.options, tokenizer };
      const speculations = [{}, { assistant_model }, { prompt_lookup_num_tokens: 3 }];
      for (const more of speculations) {
        const { new_tokens, stats } = await model.generate(prompts.left_padded, { ...options, ...more });
        expect(new_tokens).toEqual(expected);
        expect(stats.rounds.length > 0).toBe(Object.keys(more).length > 0);
      }
      model.generate = compile(model.generate, { fullgraph: true, steps_per_submit: 8 });
      const { new_tokens } = await model.generate(prompts.left_padded, options);
      expect(new_tokens).toEqual(expected);
      await assistant_model.dispose();
    }),
  );

  test("and other strings compile nothing more", () =>
    withModel(directory, "wasm", async (model) => {
      const counts: number[] = [];
      for (const stop_strings of [["up"], ["B st", "!"], "Tim", ["a", "longer text", "there"]]) {
        const options = { eos_token_id: [], max_new_tokens: 4, stop_strings, tokenizer };
        const { stats } = await model.generate({ input_ids: prompts.single }, options);
        counts.push(stats.compilations.length);
      }
      expect(counts.slice(1)).toEqual([0, 0, 0]);
    }));

  test("which the host then need not read to its limit", () =>
    withModel(directory, "wasm", async (model) => {
      const options: GenerationOptions = { eos_token_id: [], ...one.options, tokenizer, max_new_tokens: 100 };
      const { stats } = await model.generate({ input_ids: prompts.single }, options);
      expect(stats.new_tokens).toBe(14);
      // The prompt's two and a step for each token: the device has ended the row.
      expect(stats.submits).toBe(16);
    }));
});

test("beams keep their places in a ring: a text's score is what one pass over it gives", () =>
  withModel(
    goldenPath("models", "mistral-window"),
    "wasm",
    async (model) => {
      const options = { num_beams: 3, max_new_tokens: 16, eos_token_id: [] };
      const input_ids = [[5, 6, 7, 8, 9, 10, 11, 12, 13, 14]];
      const { new_tokens, sequences_scores } = await model.generate({ input_ids }, options);
      // The score is what a pass over the whole text gives it.
      const text = [...input_ids[0]!, ...new_tokens[0]!];
      const { logits } = await model.forward({ input_ids: [text] });
      const size = logits.type.shape[2]!;
      const sum = new_tokens[0]!.reduce((total, id, t) => {
        const from = (input_ids[0]!.length + t - 1) * size;
        const row = Array.from(logits.data.slice(from, from + size));
        return total + row[id]! - Math.log(row.reduce((all, x) => all + Math.exp(x), 0));
      }, 0);
      expect(sequences_scores![0]).toBeCloseTo(sum / 16, 3);
    },
    // A window of 8 and chunks of 8 at most: a ring of 15 slots for texts of 26 tokens.
    { buckets: { batch: [1, 4], chunk: [4, 8], capacity: 64 } },
  ));
