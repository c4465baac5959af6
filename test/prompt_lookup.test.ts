/** Prompt lookup: Hugging Face's candidates and rounds, tokens of plain generation, and its distribution. */
import { ngramLookup, promptLookup } from "@fusewire/generate";
import { describe, expect, test } from "vitest";
import { chiSquare } from "./support/chi_square.ts";
import { PORTABLE, withModel } from "./support/engines.ts";
import { goldenPath } from "./support/goldens.ts";
import { readGolden } from "./support/read.ts";

interface Expected {
  readonly prompt_lookup: {
    readonly case: string;
    readonly options: object;
    readonly prompt: number[];
    readonly new_tokens: number[];
    readonly rounds: { readonly candidates: number[]; readonly accepted: number }[];
    readonly target_forward_calls: number;
  }[];
  readonly prompt_lookup_candidates: {
    readonly input_ids: number[];
    readonly num_output_tokens: number;
    readonly max_matching_ngram_size: number;
    readonly max_length: number;
    readonly eos_token_id: number | null;
    readonly candidates: number[];
  }[];
}

const golden = readGolden<Expected>(goldenPath("generation", "expected.json"));
const target = goldenPath("generation", "target");

test.each(golden.prompt_lookup_candidates)("candidates for $input_ids", (one) => {
  const eos = one.eos_token_id === null ? [] : [one.eos_token_id];
  const proposals = ngramLookup(one.input_ids, one.max_length - one.input_ids.length, {
    ...{ numTokens: one.num_output_tokens, maxNgram: one.max_matching_ngram_size, eos },
  });
  const candidates = promptLookup(proposals, eos);
  expect(candidates).toEqual(one.candidates);
});

describe.each(PORTABLE)("on %s", (device) => {
  test.each(golden.prompt_lookup)("$case: tokens, rounds and how many drafts were right", (one) =>
    withModel(target, device, async (model) => {
      const { new_tokens, stats } = await model.generate(
        { input_ids: [one.prompt] },
        { eos_token_id: [], ...one.options },
      );
      expect(new_tokens).toEqual([one.new_tokens]);
      expect(stats.rounds).toEqual(
        one.rounds.map(({ candidates, accepted }) => ({ drafted: candidates.length, accepted })),
      );
      expect(stats.rounds).toHaveLength(one.target_forward_calls);
    }),
  );
});

describe.each(["eager:wasm", "wasm", "webgpu"])("four prompts of different lengths on %s", (device) => {
  const rows = [
    [7, 8, 9, 7, 8],
    [302, 294, 304, 81, 54, 262, 302, 294],
    [5, 5, 5],
    [40, 41, 40],
  ];
  const width = Math.max(...rows.map((row) => row.length));
  const input_ids = rows.map((row) => [...new Array<number>(width - row.length).fill(0), ...row]);
  const attention_mask = input_ids.map((row, b) => row.map((_, k) => Number(k >= width - rows[b]!.length)));

  test.each([
    { prompt_lookup_num_tokens: 4 },
    { prompt_lookup_num_tokens: 4, do_sample: true, top_k: 8, seed: [3, 4, 5, 6] },
    { prompt_lookup_num_tokens: 5, prompt_lookup_method: "suffix" },
  ] as const)("give what each gives alone without lookup: %j", (options) =>
    withModel(target, device, async (model) => {
      const common = { max_new_tokens: 24, eos_token_id: [167] };
      const batch = await model.generate({ input_ids, attention_mask }, { ...common, ...options });
      for (const [b, row] of rows.entries()) {
        const sampling = "seed" in options && { do_sample: true, top_k: 8, seed: [options.seed[b]!] };
        const alone = await model.generate({ input_ids: [row] }, { ...common, ...sampling });
        expect(batch.new_tokens[b]).toEqual(alone.new_tokens[0]);
      }
      expect(batch.stats.rounds.some(({ accepted }) => accepted > 0)).toBe(true);
    }),
  );
});

test("more drafts than a ring of keys has room for are verified in part", () =>
  withModel(
    goldenPath("models", "mistral-window"),
    "wasm",
    async (model) => {
      const common = { max_new_tokens: 30, eos_token_id: [] };
      const input_ids = [Array.from({ length: 24 }, (_, k) => 20 + (k % 6))];
      const plain = await model.generate({ input_ids }, common);
      const drafted = await model.generate({ input_ids }, { ...common, prompt_lookup_num_tokens: 20 });
      expect(drafted.new_tokens).toEqual(plain.new_tokens);
      expect(drafted.stats.rounds[0]!.drafted).toBeGreaterThan(7);
    },
    { buckets: { batch: [1], chunk: [4, 8], capacity: 64 } },
  ));

test("a suffix index and a limit on the length it looks for exclude each other", () =>
  withModel(target, "interpreter", async (model) => {
    const options = {
      prompt_lookup_num_tokens: 4,
      prompt_lookup_method: "suffix",
      max_matching_ngram_size: 2,
    } as const;
    await expect(model.generate({ input_ids: [[1, 2]] }, options)).rejects.toThrow(
      "prompt_lookup_method 'suffix' looks for ends of any length, and max_matching_ngram_size limits them",
    );
  }));

test("sampling with lookup draws each token from the same distribution as without", () =>
  withModel(target, "wasm", async (model) => {
    const prompt = [7, 8, 9, 7, 8];
    const counts = [new Map<string, number>(), new Map<string, number>()];
    for (let round = 0; round < 24; round++)
      for (const [k, lookup] of [{}, { prompt_lookup_num_tokens: 3 }].entries()) {
        const { new_tokens } = await model.generate(
          { input_ids: new Array<number[]>(32).fill(prompt) },
          // Seeds of their own: with the same ones the two would be equal token by token.
          {
            do_sample: true,
            top_k: 3,
            max_new_tokens: 2,
            seed: 1000 * k + round,
            eos_token_id: [],
            ...lookup,
          },
        );
        for (const pair of new_tokens) counts[k]!.set(pair.join(), (counts[k]!.get(pair.join()) ?? 0) + 1);
      }
    const pairs = [...new Set(counts.flatMap((seen) => [...seen.keys()]))];
    const plain = pairs.map((pair) => (counts[0]!.get(pair) ?? 0.5) / (24 * 32));
    const drawn = pairs.map((pair) => counts[1]!.get(pair) ?? 0);
    // The reference is a sample too, which doubles the variance that the test expects.
    expect(
      chiSquare(
        drawn.map((count) => count / 2),
        plain,
      ),
    ).toBeGreaterThan(1e-3);
  }));
