// Speculation against its formula, on the CPU engine: `tsx bench/speculative/index.ts [--model DIR] [--repeats 5]
// [--threads N] [--only tales|lookup] [--json]`. tales drafts by tales-draft; the model in DIR (SmolLM2-135M is meant)
// looks up texts that it is asked to sum up. Prints whether the targets hold.

import { parseArgs } from "node:util";
import { createWasmEngine, type WasmEngine } from "@fusewire/backend-wasm";
import { type CausalLM, loadCausalLM, verifyLength, type WeightDType } from "@fusewire/generate";
import { embeddedModel, openModelDirectory } from "@fusewire/models/node";
import { AutoTokenizer } from "fusewire";
import { mean, median } from "../statistics.ts";
import { contest, type Outcome } from "./contest.ts";
import { acceptance, type Costs, speedup, speedupOf } from "./formula.ts";
import { type Prefill, prefillCost, stepCosts } from "./step_cost.ts";
import { TEXTS } from "./text.ts";

const { values: flags } = parseArgs({
  options: {
    model: { type: "string" },
    repeats: { type: "string", default: "5" },
    threads: { type: "string" },
    only: { type: "string" },
    json: { type: "boolean", default: false },
  },
});
const repeats = Number(flags.repeats);
const report: Record<string, unknown> = {};
const targets: { readonly target: string; readonly found: number; readonly holds: boolean }[] = [];
const say = (line: string) => {
  if (!flags.json) console.log(line);
};
const check = (target: string, found: number, holds: boolean) => {
  targets.push({ target, found, holds });
  say(`  ${holds ? "holds" : "MISSED"}: ${target}: ${found.toFixed(2)}`);
};
const percent = (share: number) => `${(100 * share).toFixed(0)} %`;

/** Tokens of the steps that are timed. */
const ROWS = [2, 3, 4, 5, 6, 8];

/** What steps of several rows take, in steps of one as plain generation makes them. */
function sayCosts(times: readonly (readonly number[])[], plain: number): readonly number[] {
  const rows = ROWS.map((_, k) => median(times.map((round) => round[k]!)) / plain);
  const all = rows.map((cost) => cost.toFixed(2)).join(", ");
  say(`  plain steps take ${plain.toFixed(2)} ms; of ${ROWS.join(", ")} rows ${all} times that`);
  return rows;
}

/** What verifying g drafts costs: the step of as many rows as its program has. */
const verifyBy = (rows: readonly number[]) => (drafts: number) => rows[ROWS.indexOf(verifyLength(drafts))]!;

async function tales(engine: WasmEngine): Promise<void> {
  say("tales, drafted by tales-draft");
  const model = await loadCausalLM(await openModelDirectory(embeddedModel("tales")), { engine });
  const assistant_model = await loadCausalLM(await openModelDirectory(embeddedModel("tales-draft")), {
    engine,
  });
  const tokenizer = await AutoTokenizer.from_pretrained(embeddedModel("tales"));
  const prompt = tokenizer(["Once upon a time there was a"]).input_ids[0]!;
  const steps: number[][] = [];
  const draftSteps: number[] = [];
  const counts = [1, 2, 3, 4, 5, 7];
  const found = await contest(
    model,
    prompt,
    [
      { name: "plain", options: () => ({}) },
      ...counts.map((count) => ({
        name: `${count}`,
        options: () => {
          Object.assign(assistant_model.generation_config, {
            num_assistant_tokens: count,
            assistant_confidence_threshold: 0,
          });
          return { assistant_model };
        },
      })),
    ],
    {
      tokens: 160,
      warm: 10,
      repeats,
      async alongside() {
        steps.push(await stepCosts(model, ROWS, 128));
        draftSteps.push(...(await stepCosts(assistant_model, [1], 128)));
      },
    },
  );
  const plain = found.get("plain")!.msPerToken;
  const rows = sayCosts(steps, plain);
  const costs: Costs = { draft: median(draftSteps) / plain, verify: verifyBy(rows) };
  const a = acceptance(counts.flatMap((count) => found.get(`${count}`)!.rounds));
  say(`  a = ${a.toFixed(2)}, c = ${costs.draft.toFixed(2)}; plain ${(1000 / plain).toFixed(0)} tok/s`);
  const lines = counts.map((count) => {
    const { msPerToken, rounds, submits } = found.get(`${count}`)!;
    const [measured, predicted, ofRounds] = [
      plain / msPerToken,
      speedup(a, count, costs),
      speedupOf(rounds, costs),
    ];
    const host =
      (msPerToken * rounds.reduce((sum, { accepted }) => sum + accepted + 1, 0)) / rounds.length -
      plain * (count * costs.draft + costs.verify(count));
    say(
      `  ${count} drafts: ${measured.toFixed(2)} times plain; formula ${predicted.toFixed(2)}, of the rounds as they were ${ofRounds.toFixed(2)}; ${host.toFixed(2)} ms a round beside steps`,
    );
    return {
      drafts: count,
      measured,
      predicted,
      of_rounds: ofRounds,
      host_ms_a_round: host,
      submits,
      rounds: rounds.length,
    };
  });
  const best = Math.max(...lines.map(({ predicted }) => predicted));
  const measured = Math.max(...lines.map((line) => line.measured));
  check(
    `tales: speed-up over the formula's best (${best.toFixed(2)}) at least 0.9`,
    measured / best,
    measured / best >= 0.9,
  );
  report.tales = { a, c: costs.draft, v: rows, plain_ms: plain, drafts: lines };
  await assistant_model.dispose();
  await model.dispose();
}

/** Multiplications for a token of a prompt, by weights and for each key that it sees, and beside those for its scores. */
function multiplications({ config, runtime }: CausalLM) {
  const [width, inner, heads, keyHeads] = [
    "hidden_size",
    "intermediate_size",
    "num_attention_heads",
    "num_key_value_heads",
  ].map((name) => config.size(name)) as [number, number, number, number];
  const attention = 2 * width * width * (1 + keyHeads / heads);
  const { layers, vocabSize } = runtime.source.model;
  return {
    weights: layers * (attention + 3 * width * inner),
    key: layers * 2 * width,
    scores: vocabSize * width,
  };
}

async function lookup(engine: WasmEngine, directory: string, dtype: WeightDType): Promise<void> {
  say(`prompt lookup, ${dtype}`);
  const model = await loadCausalLM(await openModelDirectory(directory), { engine, dtype });
  const tokenizer = await AutoTokenizer.from_pretrained(directory);
  const prompts = TEXTS.map((text) => tokenizer([text]).input_ids[0]!);
  const length = Math.round(mean(prompts.map((prompt) => prompt.length)));
  const steps: number[][] = [];
  const prefills: Prefill[] = [];
  const methods = ["ngram", "suffix"] as const;
  const ways = methods.flatMap((method) =>
    [3, 4].map((count) => ({ method, count, name: `${method} ${count}` })),
  );
  const contests: ReadonlyMap<string, Outcome>[] = [];
  for (const prompt of prompts)
    contests.push(
      await contest(
        model,
        prompt,
        [
          { name: "plain", options: () => ({}) },
          ...ways.map(({ name, method, count }) => ({
            name,
            options: () => ({ prompt_lookup_num_tokens: count, prompt_lookup_method: method }),
          })),
        ],
        {
          tokens: 96,
          warm: 1,
          repeats,
          async alongside() {
            steps.push(await stepCosts(model, ROWS, length));
            prefills.push(await prefillCost(model));
          },
        },
      ),
    );
  const timeOf = (name: string) => mean(contests.map((found) => found.get(name)!.msPerToken));
  const plain = timeOf("plain");
  const rows = sayCosts(steps, plain);
  const costs: Costs = { draft: 0, verify: verifyBy(rows) };
  const lines = ways.map(({ name }) => {
    const msPerToken = timeOf(name);
    const rounds = contests.flatMap((found) => found.get(name)!.rounds);
    const [measured, predicted] = [plain / msPerToken, speedupOf(rounds, costs)];
    const drafting = rounds.filter(({ drafted }) => drafted > 0);
    const host =
      (msPerToken * rounds.reduce((sum, { accepted }) => sum + accepted + 1, 0) -
        plain * rounds.reduce((sum, { drafted }) => sum + (drafted > 0 ? costs.verify(drafted) : 1), 0)) /
      rounds.length;
    const texts = contests.map((found) => found.get("plain")!.msPerToken / found.get(name)!.msPerToken);
    say(
      `  ${name}: ${measured.toFixed(2)} times plain (${(1000 / plain).toFixed(1)} tok/s; by text ${texts.map((times) => times.toFixed(2)).join(", ")}); the rounds allow ${predicted.toFixed(2)}; a = ${acceptance(rounds).toFixed(2)}, drafts in ${percent(drafting.length / rounds.length)} of ${rounds.length} rounds; ${host.toFixed(2)} ms a round beside steps`,
    );
    return {
      name,
      measured,
      texts,
      predicted,
      a: acceptance(rounds),
      rounds: rounds.length,
      drafting: drafting.length,
      host_ms_a_round: host,
    };
  });
  const measured = Math.max(...lines.map((line) => line.measured));
  const best = Math.max(...lines.map(({ predicted }) => predicted));
  const fiveRows = rows[ROWS.indexOf(5)]!;
  const goals = dtype === "q8" ? { speed: 1.5, v: 2.5 } : { speed: 2, v: 1.6 };
  check(`${dtype}: prompt lookup at least ${goals.speed} times plain`, measured, measured >= goals.speed);
  check(
    `${dtype}: speed-up over what the rounds allow at best (${best.toFixed(2)}) at least 0.9`,
    measured / best,
    measured / best >= 0.9,
  );
  check(`${dtype}: v, a step of 5 rows over one of 1, at most ${goals.v}`, fiveRows, fiveRows <= goals.v);
  const { weights, key, scores } = multiplications(model);
  const prefill = prefills[0]!.tokens;
  // Tokens of a prompt need no scores, and see half of it on average.
  const ofPrefill = (prefill * (weights + (key * prefill) / 2)) / median(prefills.map(({ ms }) => ms));
  const ofFive = (5 * (weights + key * length + scores)) / (fiveRows * plain);
  check(
    `${dtype}: multiplications a second of 5 rows (${(ofFive / 1e6).toFixed(1)}e9) over those of a prompt (${(ofPrefill / 1e6).toFixed(1)}e9) at least 0.9`,
    ofFive / ofPrefill,
    ofFive / ofPrefill >= 0.9,
  );
  report[`lookup ${dtype}`] = {
    v: rows,
    plain_ms: plain,
    ways: lines,
    multiplications: { ofFive, ofPrefill },
  };
  await model.dispose();
}

const engine = await createWasmEngine(flags.threads ? { threads: Number(flags.threads) } : {});
if (flags.only !== "lookup") await tales(engine);
if (flags.model && flags.only !== "tales")
  for (const dtype of ["q8", "float32"] as const) await lookup(engine, flags.model, dtype);
engine.dispose();
if (flags.json)
  console.log(JSON.stringify({ bench: "speculative", threads: engine.threads, repeats, ...report, targets }));
