/** Options of generate() against Hugging Face's own generations. */
import { type CausalLM, type GenerationOptions, type GenerationResult, OPTIONS } from "@fusewire/generate";
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
      const { new_tokens } = await run(model, one);
      expect(new_tokens).toEqual([one.new_tokens[0]!.slice(0, 14), one.new_tokens[1]]);
      expect(tokenizer.decode(new_tokens[0]!)).toMatch(/ st$/);
    }),
  );

  test.each(cases.filter((one) => !isStopped(one)))("$case", (one) =>
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
