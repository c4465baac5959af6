/** Processors against Hugging Face's, one by one and in the lists that generate() builds. */

import { type EncodeContext, PROCESSORS } from "@fusewire/generate";
import { constant, evaluate, floats, input, NodeTable, toValue, type Value } from "@fusewire/ir";
import { describe, expect, test } from "vitest";
import { goldenPath } from "./support/goldens.ts";
import { largestDifference, numbers, openArrays, readGolden } from "./support/read.ts";

/** The option of each class, and how the reference names it among the class's arguments. */
const CLASSES: Readonly<Record<string, readonly [option: string, argument: string]>> = {
  SequenceBiasLogitsProcessor: ["sequence_bias", "sequence_bias"],
  RepetitionPenaltyLogitsProcessor: ["repetition_penalty", "penalty"],
  NoRepeatNGramLogitsProcessor: ["no_repeat_ngram_size", "ngram_size"],
  NoBadWordsLogitsProcessor: ["bad_words_ids", "bad_words_ids"],
  MinLengthLogitsProcessor: ["min_length", "min_length"],
  MinNewTokensLengthLogitsProcessor: ["min_new_tokens", "min_new_tokens"],
  ForcedBOSTokenLogitsProcessor: ["forced_bos_token_id", "bos_token_id"],
  ForcedEOSTokenLogitsProcessor: ["forced_eos_token_id", "eos_token_id"],
  InfNanRemoveLogitsProcessor: ["remove_invalid_values", "remove_invalid_values"],
  ExponentialDecayLengthPenalty: ["exponential_decay_length_penalty", "exponential_decay_length_penalty"],
  SuppressTokensLogitsProcessor: ["suppress_tokens", "suppress_tokens"],
  SuppressTokensAtBeginLogitsProcessor: ["begin_suppress_tokens", "begin_suppress_tokens"],
  TemperatureLogitsWarper: ["temperature", "temperature"],
  TopKLogitsWarper: ["top_k", "top_k"],
  TopPLogitsWarper: ["top_p", "top_p"],
  MinPLogitsWarper: ["min_p", "min_p"],
  TypicalLogitsWarper: ["typical_p", "mass"],
  EpsilonLogitsWarper: ["epsilon_cutoff", "epsilon"],
  EtaLogitsWarper: ["eta_cutoff", "epsilon"],
  LogitNormalization: ["renormalize_logits", "renormalize_logits"],
};

interface Case {
  readonly case: string;
  readonly class: string;
  readonly arguments: Readonly<Record<string, unknown>>;
  readonly scores: string;
  readonly input_ids: "input_ids" | number[][];
  readonly edits?: unknown;
  readonly outputs_at_edits?: number[];
}

interface List {
  readonly case: string;
  readonly generation_config: Readonly<Record<string, unknown>>;
  readonly eos_token_id: number | number[];
  readonly prompt_length: number;
  readonly scores: string;
  readonly order: string[];
}

const golden = readGolden<{ input_ids: number[][]; cases: Case[]; lists: List[] }>(
  goldenPath("processors", "expected.json"),
);
const arrays = await openArrays(goldenPath("processors", "expected.safetensors"));

/** What the processor is told of the generation it stands in. */
type Setting = Pick<EncodeContext, "eos" | "prompts" | "width" | "maxNew"> & { readonly keep: number };

/** Runs one processor over scores [B, V] with the same option in every row. */
function apply(
  option: string,
  value: unknown,
  scores: Value,
  ids: readonly number[][],
  setting: Setting,
): Float32Array {
  const processor = PROCESSORS.find((candidate) => candidate.option === option)!;
  const table = new NodeTable();
  const batch = ids.length;
  const encoded = processor.encode(value, { batch, ...setting });
  if (!encoded) return floats(scores);
  const longest = Math.max(...ids.map((row) => row.length));
  const padded = ids.flatMap((row) => [...row, ...new Array<number>(longest - row.length).fill(-1)]);
  const leaves = Object.entries(encoded.inputs).map(([name, { type }]) => [name, input(table, name, type)]);
  const result = processor.apply(
    input(table, "scores", scores.type),
    Object.fromEntries(leaves),
    {
      ids: constant(table, padded, "i32", [batch, longest]),
      lengths: constant(
        table,
        ids.map((row) => row.length),
        "i32",
        [batch],
      ),
      keep: setting.keep,
    },
    encoded.fixed ?? 0,
  );
  const inputs = (name: string) => (name === "scores" ? scores : encoded.inputs[name]!);
  return floats(evaluate([result], { inputs }).get(result)!);
}

function expectEqualScores(actual: Float32Array, expected: Float32Array): void {
  const removed = (scores: Float32Array) => Array.from(scores, (s) => s === Number.NEGATIVE_INFINITY);
  expect(removed(actual)).toEqual(removed(expected));
  expect(largestDifference(actual, expected)).toBeLessThan(1e-5);
}

describe("one processor", () => {
  test("all of the reference's classes are built", () => {
    expect(golden.cases.filter((one) => !(one.class in CLASSES)).map((one) => one.class)).toEqual([]);
  });
  // Its scores hold NaN and infinities, which JSON describes apart.
  test.each(golden.cases.filter(({ edits }) => !edits))("$case", async (one) => {
    const [option, argument] = CLASSES[one.class]!;
    const given = one.arguments;
    const ids = one.input_ids === "input_ids" ? golden.input_ids : one.input_ids;
    const ignore = given.prompt_ignore_length as number[] | undefined;
    // Rows hold no pads here, so what Hugging Face ignores is simply not there.
    const rows = ids.map((row, b) => row.slice(ignore?.[b] ?? 0));
    const name = `input.${one.scores}`;
    const scores = toValue((await arrays(name)).type, await numbers(arrays(name)));
    const prompt = (given.prompt_length_to_skip ??
      given.input_ids_seq_length ??
      given.begin_index ??
      1) as number;
    const setting: Setting = {
      eos: option === "forced_eos_token_id" ? [] : [(given.eos_token_id as number[]) ?? []].flat(),
      prompts: rows.map((row) => (option === "min_length" ? row.length : prompt)),
      width: option === "min_length" ? ids[0]!.length : prompt,
      maxNew: ((given.max_length as number | undefined) ?? 0) - prompt,
      keep: (given.min_tokens_to_keep as number | undefined) ?? 1,
    };
    const actual = apply(option, given[argument] ?? true, scores, rows, setting);
    expectEqualScores(actual, await numbers(arrays(`output.${one.case}`)));
  });

  test("remove_invalid_values: NaN, inf and -inf", () => {
    const type = { dtype: "f32", shape: [1, 4] } as const;
    const scores = toValue(type, [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 2.5]);
    const setting = { eos: [], prompts: [1], width: 1, maxNew: 1, keep: 1 };
    const { outputs_at_edits } = golden.cases.find(({ edits }) => edits)!;
    expect([...apply("remove_invalid_values", true, scores, [[7]], setting)]).toEqual([
      ...outputs_at_edits!,
      2.5,
    ]);
  });
});

// From TopHLogitsWarper, which the golden data does not hold.
test.each([
  [0.2, [[10], [6]]],
  [
    0.5,
    [
      [4, 10],
      [5, 6],
    ],
  ],
  [
    0.9,
    [
      [2, 4, 5, 8, 9, 10, 11],
      [0, 1, 4, 5, 6, 8],
    ],
  ],
])("top_h %d", (share, kept) => {
  const scores = [
    [-2.25, -2.3, -0.5, -0.87, 1.7, 1.38, -0.63, -4.23, 0.94, -0.32, 2.89, 0.53],
    [0.33, 1.75, -0.29, -0.22, 1.86, 2.52, 4.01, 0.11, 1.24, -0.83, -1.68, -4.63],
  ];
  const setting = { eos: [], prompts: [1, 1], width: 1, maxNew: 1, keep: 1 };
  const value = toValue({ dtype: "f32", shape: [2, 12] }, scores.flat());
  const result = apply("top_h", share, value, [[7], [7]], setting);
  const expected = scores.map((row, b) =>
    row.map((score, id) => (kept[b]!.includes(id) ? score : Number.NEGATIVE_INFINITY)),
  );
  expectEqualScores(result, Float32Array.from(expected.flat()));
});

describe("the lists that generate() builds", () => {
  test.each(golden.lists)("$case", async (list) => {
    const config = list.generation_config;
    const order = PROCESSORS.map(({ option }) => option).filter((option) =>
      list.order.some((name) => CLASSES[name]![0] === option),
    );
    expect(order).toEqual(list.order.map((name) => CLASSES[name]![0]));
    let scores = await arrays(`input.${list.scores}`);
    const ids = golden.input_ids;
    const eos = [(config.eos_token_id as number | number[] | undefined) ?? list.eos_token_id].flat();
    const setting: Setting = {
      eos,
      prompts: ids.map(() => list.prompt_length),
      width: list.prompt_length,
      maxNew: ((config.max_length as number | undefined) ?? 100) - list.prompt_length,
      keep: config.num_beams === undefined ? 1 : 1 + eos.length,
    };
    for (const [i, option] of order.entries()) {
      const data = apply(option, config[option] ?? 50, scores, ids, setting);
      expectEqualScores(data, await numbers(arrays(`list.${list.case}.${i}`)));
      scores = { type: scores.type, data };
    }
  });
});

/** The goldens have none of these; the numbers are what the classes of transformers 5.23 gave for these rows. */
describe("processors that look at the prompt", () => {
  const scores: Value = toValue(
    { dtype: "f32", shape: [2, 6] },
    [1.5, -2, 0.5, 3, -1, 0.25, 0.5, 1, -1.5, 2, -0.5, -3],
  );
  const setting: Setting = { eos: [], prompts: [4, 4], width: 4, maxNew: 2, keep: 1 };
  const rows = [
    [1, 3, 1, 2, 5, 1],
    [4, 4, 0, 5, 2, 4],
  ];
  const none = Number.NEGATIVE_INFINITY;

  test.each([
    [2, [1.5, -1, 1, 6, -1, 0.25, 1, 1, -1.5, 2, -0.25, -1.5]],
    [0.5, [1.5, -4, 0.25, 1.5, -1, 0.25, 0.25, 1, -1.5, 2, -1, -6]],
    [1, [...floats(scores)]],
  ])("encoder_repetition_penalty %s (EncoderRepetitionPenaltyLogitsProcessor)", (penalty, expected) => {
    expect([...apply("encoder_repetition_penalty", penalty, scores, rows, setting)]).toEqual(expected);
  });

  test.each([
    [1, rows, [1.5, none, none, none, -1, 0.25, none, 1, -1.5, 2, none, none]],
    [2, rows, [1.5, -2, none, none, -1, 0.25, none, 1, -1.5, 2, none, -3]],
    [3, rows, [...floats(scores)]],
    [
      3,
      [
        [1, 3, 1, 2, 1, 3],
        [4, 4, 0, 5, 4, 0],
      ],
      [1.5, none, 0.5, 3, -1, 0.25, 0.5, 1, -1.5, 2, -0.5, none],
    ],
    [0, rows, [...floats(scores)]],
  ])("encoder_no_repeat_ngram_size %s (EncoderNoRepeatNGramLogitsProcessor)", (size, ids, expected) => {
    expect([...apply("encoder_no_repeat_ngram_size", size, scores, ids, setting)]).toEqual(expected);
  });
});
