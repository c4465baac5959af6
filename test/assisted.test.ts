/** Assisted generation: Hugging Face's rounds and tokens, and what plain generation gives. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type CausalLM, loadCausalLM } from "@fusewire/generate";
import { numbersOf } from "@fusewire/ir";
import { memoryFiles } from "@fusewire/models";
import { embeddedModel, openModelDirectory } from "@fusewire/models/node";
import type { Engine } from "@fusewire/passes";
import { describe, expect, test } from "vitest";
import { PORTABLE, withModel } from "./support/engines.ts";
import { goldenPath } from "./support/goldens.ts";
import { readGolden } from "./support/read.ts";

interface Expected {
  readonly assisted: {
    readonly case: string;
    readonly assistant_generation_config: object;
    readonly options: object;
    readonly prompt: number[];
    readonly new_tokens: number[];
    readonly rounds: { readonly candidates: number[]; readonly accepted: number }[];
    readonly target_forward_calls: number;
  }[];
}

const golden = readGolden<Expected>(goldenPath("generation", "expected.json"));

/** Loads a model and, on the same engine, its assistant. */
const withAssistant = <T>(
  [target, draft]: readonly [string, string],
  device: string,
  body: (model: CausalLM, assistant: CausalLM, engine: Engine) => Promise<T>,
) =>
  withModel(target, device, async (model, engine) => {
    const assistant = await loadCausalLM(await openModelDirectory(draft), { engine });
    try {
      return await body(model, assistant, engine);
    } finally {
      await assistant.dispose();
    }
  });

const GOLDEN = [goldenPath("generation", "target"), goldenPath("generation", "draft")] as const;

/** The drafts of every verification that an engine will run for one row. */
function recordDrafts(engine: Engine): readonly (readonly number[])[] {
  const found: number[][] = [];
  const run = engine.run.bind(engine);
  Object.assign(engine, {
    run: (...given: Parameters<Engine["run"]>) => {
      const [, , inputs] = given;
      const [drafts, drafted] = ["drafts", "drafted"].map((name) => inputs.get(name));
      if (drafts && drafted) found.push(numbersOf(drafts).slice(0, numbersOf(drafted)[0]));
      return run(...given);
    },
  });
  return found;
}

describe.each(PORTABLE)("on %s", (device) => {
  test.each(golden.assisted)("$case: tokens, drafts and how many of them were right", (one) =>
    withAssistant(GOLDEN, device, async (model, assistant_model, engine) => {
      const drafts = recordDrafts(engine);
      Object.assign(assistant_model.generation_config, one.assistant_generation_config);
      const { new_tokens, stats } = await model.generate(
        { input_ids: [one.prompt] },
        { eos_token_id: [], ...one.options, assistant_model },
      );
      expect(new_tokens).toEqual([one.new_tokens]);
      const theirs = one.rounds.map(({ candidates, accepted }) => ({ drafted: candidates.length, accepted }));
      expect(stats.rounds).toEqual(theirs);
      expect(stats.rounds).toHaveLength(one.target_forward_calls);
      expect(drafts).toEqual(
        one.rounds.map(({ candidates }) => candidates).filter((candidates) => candidates.length > 0),
      );
    }),
  );
});

/** Four prompts of different lengths, and what they give together with an assistant. */
async function generateFour(model: CausalLM, assistant_model: CausalLM, options: object) {
  Object.assign(assistant_model.generation_config, {
    num_assistant_tokens: 4,
    assistant_confidence_threshold: 0,
  });
  const rows = [
    [302, 294, 304, 81],
    [7, 8],
    [262, 255, 94, 276, 296, 277, 150],
    [5, 120, 9],
  ];
  const width = Math.max(...rows.map((row) => row.length));
  const input_ids = rows.map((row) => [...new Array<number>(width - row.length).fill(0), ...row]);
  const attention_mask = input_ids.map((row, b) => row.map((_, k) => Number(k >= width - rows[b]!.length)));
  const batch = await model.generate({ input_ids, attention_mask }, { ...options, assistant_model });
  return { rows, batch };
}

describe.each(["eager:wasm", "wasm", "webgpu"])("four prompts of different lengths on %s", (device) => {
  test("give greedily what each gives alone without an assistant", () =>
    withAssistant(GOLDEN, device, async (model, assistant_model) => {
      const options = { max_new_tokens: 24, eos_token_id: [167], cache_implementation: "static" } as const;
      const { rows, batch } = await generateFour(model, assistant_model, options);
      for (const [b, row] of rows.entries())
        expect(batch.new_tokens[b]).toEqual(
          (await model.generate({ input_ids: [row] }, options)).new_tokens[0],
        );
      expect(batch.stats.rounds.some(({ accepted }) => accepted > 0)).toBe(true);
    }));

  test("give sampled what each gives alone with the assistant and the same seed", () =>
    withAssistant(GOLDEN, device, async (model, assistant_model) => {
      const seeds = [5, 6, 7, 8];
      const options = {
        max_new_tokens: 12,
        do_sample: true,
        temperature: 0.9,
        top_p: 0.95,
        eos_token_id: [],
      };
      const { rows, batch } = await generateFour(model, assistant_model, { ...options, seed: seeds });
      for (const [b, row] of rows.entries()) {
        const alone = { ...options, seed: [seeds[b]!], assistant_model };
        expect(batch.new_tokens[b]).toEqual(
          (await model.generate({ input_ids: [row] }, alone)).new_tokens[0],
        );
      }
      expect(batch.stats.rounds.some(({ accepted }) => accepted > 0)).toBe(true);
    }));
});

describe("submits of a generation", () => {
  /** Submits beside those that load the two prompts, of one chunk each. */
  const submitsOf = (device: string, assistant_confidence_threshold: number) =>
    withAssistant(GOLDEN, device, async (model, assistant_model) => {
      Object.assign(assistant_model.generation_config, {
        num_assistant_tokens: 5,
        assistant_confidence_threshold,
      });
      const options = { max_new_tokens: 30, eos_token_id: [], assistant_model };
      const { stats } = await model.generate({ input_ids: [[302, 294, 304, 81, 54, 262]] }, options);
      return { submits: stats.submits - 4, rounds: stats.rounds };
    });
  /** Each round verifies; rounds that draft have `drafting` submits for it, and from the second on one that tells what was right. */
  const expected = (rounds: readonly { readonly drafted: number }[], drafting: (drafted: number) => number) =>
    rounds.reduce(
      (sum, { drafted }, k) => sum + 1 + (drafted > 0 ? drafting(drafted) + Number(k > 0) : 0),
      0,
    );

  test.each(["wasm", "webgpu"])(
    "all drafts of a round are one on %s where no confidence stops them",
    async (device) => {
      const { submits, rounds } = await submitsOf(device, 0);
      expect(submits).toBe(expected(rounds, () => 1));
    },
  );

  test("where one does, each draft is one on the CPU, and few are on a GPU", async () => {
    const host = await submitsOf("wasm", 0.05);
    expect(host.submits).toBe(expected(host.rounds, (drafted) => drafted));
    const device = await submitsOf("webgpu", 0.05);
    expect(device.rounds).toEqual(host.rounds);
    expect(device.submits).toBeLessThanOrEqual(expected(device.rounds, () => 2));
    expect(device.submits).toBeLessThan(host.submits);
  });
});

test("a second generation compiles nothing and holds no more", () =>
  withAssistant(GOLDEN, "wasm", async (model, assistant_model, engine) => {
    const run = () =>
      model.generate(
        { input_ids: [[302, 294, 304]] },
        { assistant_model, max_new_tokens: 30, eos_token_id: [] },
      );
    const first = await run();
    const held = engine.held();
    const second = await run();
    expect(second.new_tokens).toEqual(first.new_tokens);
    expect(second.stats.compilations).toEqual([]);
    expect(engine.held()).toEqual(held);
  }));

test("an assistant of a vocabulary of another size is refused by both names", () =>
  withAssistant(
    [GOLDEN[0], goldenPath("models", "smollm")],
    "interpreter",
    async (model, assistant_model) => {
      const generating = model.generate({ input_ids: [[1, 2]] }, { assistant_model });
      await expect(generating).rejects.toThrow(
        /assistant_model .*smollm' has a vocabulary of 320 tokens, the model .*target' one of 384/,
      );
    },
  ));

test("an assistant whose tokens are others is refused by both names, where both have tokenizers", async () => {
  const directory = embeddedModel("tales-draft");
  const files = await openModelDirectory(directory);
  const names = ["config.json", "generation_config.json", "model.safetensors", "tokenizer.json"];
  const contents = Object.fromEntries(
    names.map((name) => [name, new Uint8Array(readFileSync(join(directory, name)))]),
  );
  const swapped = JSON.parse(readFileSync(join(directory, "tokenizer.json"), "utf8")) as {
    model: { vocab: Record<string, number> };
  };
  const { vocab } = swapped.model;
  const [a, b] = Object.keys(vocab).slice(500, 502) as [string, string];
  [vocab[a], vocab[b]] = [vocab[b]!, vocab[a]!];
  contents["tokenizer.json"] = new TextEncoder().encode(JSON.stringify(swapped));
  await withModel(embeddedModel("tales"), "wasm", async (model, engine) => {
    for (const [source, refused] of [
      [files, false],
      [memoryFiles(contents), true],
    ] as const) {
      const assistant_model = await loadCausalLM(source, { engine });
      const generating = model.generate({ input_ids: [[0, 400]] }, { assistant_model, max_new_tokens: 4 });
      if (refused)
        await expect(generating).rejects.toThrow(
          /assistant_model .* has another tokenizer than the model .*tales': token/,
        );
      else await generating;
      await assistant_model.dispose();
    }
  });
});
