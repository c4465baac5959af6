/** Processors against Hugging Face's, one by one and in the lists that generate() builds. */

import { PROCESSORS } from "@fusewire/generate";
import { constant, evaluate, floats, input, NodeTable, toValue, type Value } from "@fusewire/ir";
import { describe, expect, test } from "vitest";
import { goldenPath } from "./support/goldens.ts";
import { largestDifference, numbers, openArrays, readGolden } from "./support/read.ts";

/** The classes that are built, and the name of the argument that is their option. */
const CLASSES: Readonly<Record<string, string>> = {
  RepetitionPenaltyLogitsProcessor: "repetition_penalty",
  TemperatureLogitsWarper: "temperature",
  TopKLogitsWarper: "top_k",
  TopPLogitsWarper: "top_p",
  MinPLogitsWarper: "min_p",
};

interface Case {
  readonly case: string;
  readonly class: string;
  readonly arguments: Readonly<Record<string, number>> & { readonly prompt_ignore_length?: number[] };
  readonly scores: string;
  readonly input_ids: "input_ids" | number[][];
}

interface List {
  readonly case: string;
  readonly generation_config: Readonly<Record<string, number | boolean>>;
  readonly prompt_length: number;
  readonly scores: string;
  readonly order: string[];
}

const golden = readGolden<{ input_ids: number[][]; cases: Case[]; lists: List[] }>(
  goldenPath("processors", "expected.json"),
);
const arrays = await openArrays(goldenPath("processors", "expected.safetensors"));

/** Runs one processor over scores [B, V] with the same option in every row. */
function apply(
  option: string,
  value: number,
  scores: Value,
  ids: readonly number[][],
  keep: number,
): Float32Array {
  const processor = PROCESSORS.find((candidate) => candidate.option === option)!;
  const table = new NodeTable();
  const batch = ids.length;
  const longest = Math.max(...ids.map((row) => row.length));
  const padded = ids.flatMap((row) => [...row, ...new Array<number>(longest - row.length).fill(-1)]);
  const result = processor.apply(
    input(table, "scores", scores.type),
    constant(table, value, processor.dtype, [batch]),
    {
      ids: constant(table, padded, "i32", [batch, longest]),
      lengths: constant(
        table,
        ids.map((row) => row.length),
        "i32",
        [batch],
      ),
      keep,
    },
  );
  return floats(evaluate([result], { inputs: () => scores }).get(result)!);
}

function expectEqualScores(actual: Float32Array, expected: Float32Array): void {
  const removed = (scores: Float32Array) => Array.from(scores, (s) => s === Number.NEGATIVE_INFINITY);
  expect(removed(actual)).toEqual(removed(expected));
  expect(largestDifference(actual, expected)).toBeLessThan(1e-5);
}

describe("one processor", () => {
  const cases = golden.cases.filter((one) => one.class in CLASSES);
  test("all classes that are built occur", () => {
    expect(new Set(cases.map((one) => one.class))).toEqual(new Set(Object.keys(CLASSES)));
  });
  test.each(cases)("$case", async (one) => {
    const option = CLASSES[one.class]!;
    const value = one.arguments[option] ?? one.arguments.penalty!;
    const ids = one.input_ids === "input_ids" ? golden.input_ids : one.input_ids;
    const ignore = one.arguments.prompt_ignore_length;
    // Rows hold no pads here, so what Hugging Face ignores is simply not there.
    const rows = ids.map((row, b) => row.slice(ignore?.[b] ?? 0));
    const scores = toValue(
      (await arrays(`input.${one.scores}`)).type,
      await numbers(arrays(`input.${one.scores}`)),
    );
    const actual = apply(option, value, scores, rows, one.arguments.min_tokens_to_keep ?? 1);
    expectEqualScores(actual, await numbers(arrays(`output.${one.case}`)));
  });
});

describe("the lists that generate() builds", () => {
  const lists = golden.lists.filter(({ order }) => order.every((name) => name in CLASSES));
  test.each(lists)("$case", async (list) => {
    const order = PROCESSORS.map(({ option }) => option).filter((option) =>
      list.order.some((name) => CLASSES[name] === option),
    );
    expect(order).toEqual(list.order.map((name) => CLASSES[name]));
    let scores = await arrays(`input.${list.scores}`);
    const ids = golden.input_ids.map((row) => row.slice(0, list.prompt_length));
    const eos = list.generation_config.eos_token_id;
    const keep =
      list.generation_config.num_beams === undefined ? 1 : 1 + (Array.isArray(eos) ? eos.length : 1);
    for (const [i, option] of order.entries()) {
      const value = (list.generation_config[option] as number | undefined) ?? 50;
      const data = apply(option, value, scores, ids, keep);
      expectEqualScores(data, await numbers(arrays(`list.${list.case}.${i}`)));
      scores = { type: scores.type, data };
    }
  });
});
