/** Beam search where few continuations are allowed, or many end tokens are. Tokens are those of transformers 5.24. */
import { AutoModelForCausalLM, type CausalLM } from "fusewire";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { goldenPath } from "./support/goldens.ts";

describe.each(["interpreter", "eager:cpu", "wasm"] as const)("beams on %s", (device) => {
  let model: CausalLM;
  beforeAll(async () => {
    model = await AutoModelForCausalLM.from_pretrained(goldenPath("generation", "target"), { device });
  });
  afterAll(() => model.dispose());

  test("fewer finite continuations than beams", async () => {
    const { new_tokens } = await model.generate(
      { input_ids: [[33, 44, 55, 66, 77, 88, 99]] },
      {
        ...{ num_beams: 3, num_return_sequences: 3, max_new_tokens: 4, eos_token_id: 2 },
        prefix_allowed_tokens_fn: () => [0, 5],
      },
    );
    expect(new_tokens).toEqual([
      [5, 0, 5, 0],
      [5, 5, 0, 5],
      [5, 0, 5, 5],
    ]);
  });

  test("a prompt with one continuation keeps the rows of the next prompt in place", async () => {
    const all = Array.from({ length: 384 }, (_, id) => id);
    const { new_tokens, sequences_scores } = await model.generate(
      {
        input_ids: [
          [33, 44, 55],
          [66, 77, 88],
        ],
      },
      {
        ...{ num_beams: 3, num_return_sequences: 3, max_new_tokens: 3, eos_token_id: 2 },
        prefix_allowed_tokens_fn: (prompt) => (prompt === 0 ? [5] : all),
      },
    );
    expect(new_tokens).toEqual([
      [5, 5, 5],
      [5, 5, 5],
      [5, 5, 5],
      [299, 152, 299],
      [299, 223, 167],
      [201, 152, 271],
    ]);
    expect(sequences_scores![0]).toBeCloseTo(-8.04149, 4);
    expect(sequences_scores![3]).toBeCloseTo(-2.131006, 4);
  });

  test("more candidates than an op takes inputs, and more than the vocabulary of a row", async () => {
    const generate = (num_beams: number, ends: number) =>
      model.generate(
        { input_ids: [[5, 17]] },
        { num_beams, max_new_tokens: 4, eos_token_id: Array.from({ length: ends }, (_, i) => 300 + i) },
      );
    for (const [beams, ends] of [
      [5, 12],
      [22, 2],
      [6, 80],
    ] as const)
      expect((await generate(beams, ends)).new_tokens[0]).toHaveLength(4);
  });
});

test("texts of which none has ended are the prompt alone, and shift no others", async () => {
  const { withMissing } = await import("../packages/generate/src/beams/hypotheses.ts");
  const path = { before: undefined, token: 1, source: 0, sum: -1 };
  expect(withMissing([{ path, score: -1 }], 3)).toEqual([
    { path, score: -1 },
    { path: undefined, score: -1e9 },
    { path: undefined, score: -1e9 },
  ]);
});

test("pads are told by their token where there is no mask, unless it ends texts", async () => {
  const model = await AutoModelForCausalLM.from_pretrained(goldenPath("models", "llama"), { device: "wasm" });
  const input_ids = [
    [0, 0, 0, 5, 17],
    [33, 60, 101, 7, 9],
  ];
  const tokens = async (options: object) =>
    (await model.generate({ input_ids }, { max_new_tokens: 6, ...options })).new_tokens;
  const masked = await model.generate(
    { input_ids, attention_mask: input_ids.map((row) => row.map((id) => Number(id !== 0))) },
    { max_new_tokens: 6 },
  );
  expect(await tokens({})).toEqual(masked.new_tokens);
  expect(masked.new_tokens).toEqual([
    [197, 140, 238, 197, 228, 147],
    [363, 11, 102, 102, 194, 100],
  ]);
  expect((await tokens({ eos_token_id: [0, 2] }))[0]).not.toEqual(masked.new_tokens[0]);
  await model.dispose();
});
