/** Speculative sampling: the tokens follow the model's own distribution exactly, and drafts are kept as often as p and q say. */
import { acceptByRatio, type CausalLM, loadCausalLM } from "@fusewire/generate";
import { categorical, interpret, log, reshape, toValue, trace, uniform, type Value } from "@fusewire/ir";
import { openModelDirectory } from "@fusewire/models/node";
import { describe, expect, test } from "vitest";
import { chiSquare } from "./support/chi_square.ts";
import { withModel } from "./support/engines.ts";
import { goldenPath } from "./support/goldens.ts";
import { numbers, openArrays, readGolden } from "./support/read.ts";

interface Expected {
  readonly speculative: {
    readonly vocab_size: number;
    readonly prompt: number[];
    readonly cases: {
      readonly case: number;
      readonly options: Readonly<Record<string, number>>;
      /** Sum over tokens of min(p, q). */
      readonly first_token_acceptance: number;
      readonly both_accepted: number;
    }[];
  };
}

const { speculative } = readGolden<Expected>(goldenPath("generation", "expected.json"));
const { vocab_size, prompt, cases } = speculative;
const arrays = await openArrays(goldenPath("generation", "expected.safetensors"));
const ROWS = 32;

const withDraft = <T>(device: string, body: (model: CausalLM, draft: CausalLM) => Promise<T>) =>
  withModel(goldenPath("generation", "tiny-target"), device, async (model, engine) => {
    const draft = await loadCausalLM(await openModelDirectory(goldenPath("generation", "tiny-draft")), {
      engine,
    });
    try {
      return await body(model, draft);
    } finally {
      await draft.dispose();
    }
  });

/** Many generations of three tokens, and how many drafts were right in all first rounds together. */
async function generateMany(
  model: CausalLM,
  assistant_model: CausalLM,
  options: object,
  { drafts, calls }: { readonly drafts: number; readonly calls: number },
): Promise<{ readonly rows: number[][]; readonly accepted: number }> {
  Object.assign(assistant_model.generation_config, {
    num_assistant_tokens: drafts,
    assistant_confidence_threshold: 0,
  });
  const rows: number[][] = [];
  let accepted = 0;
  for (let seed = 0; seed < calls; seed++) {
    const { new_tokens, stats } = await model.generate(
      { input_ids: new Array<number[]>(ROWS).fill(prompt) },
      { do_sample: true, top_k: 0, ...options, max_new_tokens: 3, seed, eos_token_id: [], assistant_model },
    );
    rows.push(...new_tokens);
    accepted += stats.rounds[0]!.accepted;
  }
  return { rows, accepted };
}

/** How often each sequence of `length` tokens begins a row. */
function histogram(rows: readonly (readonly number[])[], length: number): number[] {
  const counts = new Array<number>(vocab_size ** length).fill(0);
  for (const row of rows)
    counts[row.slice(0, length).reduce((index, token) => index * vocab_size + token, 0)]! += 1;
  return counts;
}

/** Whether the mean of n draws is within four standard deviations of what is expected. */
function expectMean(sum: number, n: number, mean: number, meanOfSquares: number): void {
  expect(Math.abs(sum / n - mean)).toBeLessThan(4 * Math.sqrt((meanOfSquares - mean ** 2) / n));
}

describe.each([
  ["wasm", 64],
  ["eager:wasm", 12],
  ["webgpu", 6],
])("on %s", (device, calls) => {
  test.each(cases)("case $case, $options: the first tokens are the model's", (one) =>
    withDraft(device, async (model, draft) => {
      const { rows, accepted } = await generateMany(model, draft, one.options, { drafts: 2, calls });
      for (const length of [1, 2, 3]) {
        const exact = await numbers(arrays(`joint.${one.case}.target.${length}`));
        expect(chiSquare(histogram(rows, length), exact)).toBeGreaterThan(1e-3);
        // The draft's own distribution is another, which the test would notice.
        if (length < 3) {
          const drafted = await numbers(arrays(`joint.${one.case}.draft.${length}`));
          expect(chiSquare(histogram(rows, length), drafted)).toBeLessThan(1e-3);
        }
      }
      const single = await generateMany(model, draft, one.options, { drafts: 1, calls });
      const { first_token_acceptance: first, both_accepted: both } = one;
      expectMean(single.accepted, single.rows.length, first, first);
      // Of two drafts: one right or both, 1 or 2 each.
      expectMean(accepted, rows.length, first + both, first + 3 * both);
    }),
  );
});

describe("the rule itself", () => {
  const P = [0.5, 0.05, 0.2, 0.25, 0];
  const Q = [0.1, 0.4, 0.2, 0.05, 0.25];
  const DRAWS = 8192;

  /** Tokens after one draft a row, that was drawn from Q or is its likeliest; the rule is told that it comes from `claimed`. */
  function tokensAfter(how: "drawn" | "likeliest", claimed: readonly number[]): number[] {
    const vocabulary = P.length;
    const of = (shape: readonly number[], dtype: "i32" | "u32" | "f32", at: (i: number) => number): Value =>
      toValue(
        { dtype, shape },
        Array.from({ length: shape.reduce((size, n) => size * n, 1) }, (_, i) => at(i)),
      );
    const given: Record<string, Value> = {
      // Two places a row, which share its seed.
      seed: of([2 * DRAWS], "u32", (i) => i >> 1),
      seeds: of([DRAWS], "u32", (i) => i),
      lengths: of([DRAWS], "i32", () => 7),
      drafted: of([DRAWS], "i32", () => 1),
      likeliest: of([DRAWS], "i32", () => Q.indexOf(Math.max(...Q))),
      q: of([DRAWS, vocabulary], "f32", (i) => Q[i % vocabulary]!),
      claimed: of([DRAWS, 1, vocabulary], "f32", (i) => claimed[i % vocabulary]!),
      p: of([DRAWS, 2, vocabulary], "f32", (i) => P[i % vocabulary]!),
    };
    const module = trace({
      round: (tracer) => {
        const input = (name: string) => tracer.input(name, given[name]!.type);
        const lengths = input("lengths");
        const drawn = () => categorical(log(input("q")), uniform(input("seeds"), lengths, "draft"));
        return {
          tokens: acceptByRatio(tracer, {
            drafts: reshape(how === "drawn" ? drawn() : input("likeliest"), [DRAWS, 1]),
            drafted: input("drafted"),
            draftProbabilities: input("claimed"),
            processed: log(input("p")),
            lengths,
          }).tokens,
        };
      },
    });
    const { outputs } = interpret(module, "round", { inputs: (name) => given[name]! });
    return Array.from(outputs.get("tokens")!.data).filter((_, i) => i % 2 === 0);
  }

  const chance = (tokens: readonly number[]) => {
    const counts = new Array<number>(P.length).fill(0);
    for (const token of tokens) counts[token]! += 1;
    return chiSquare(counts, P);
  };

  test("gives the model's distribution for a draft that was drawn from what it is told", () =>
    expect(chance(tokensAfter("drawn", Q))).toBeGreaterThan(1e-3));

  test.each([
    ["every draft is taken", "drawn", [0, 0, 0, 0, 0]],
    ["the draft's distribution is not the one it was drawn from", "drawn", [0.2, 0.2, 0.2, 0.2, 0.2]],
    ["drafts are the likeliest, not drawn", "likeliest", Q],
  ] as const)("and another where %s", (_, how, claimed) =>
    expect(chance(tokensAfter(how, claimed))).toBeLessThan(1e-3),
  );
});
