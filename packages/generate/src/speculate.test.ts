import { createReferenceEngine } from "@fusewire/passes";
import { describe, expect, test } from "vitest";
import type { Drafter } from "./candidates/drafter.ts";
import { STEP_BY_STEP } from "./compile/settings.ts";
import { fillCache } from "./fill_cache.ts";
import { type Counts, createJob } from "./job.ts";
import { loadCausalLM } from "./load.ts";
import { resolveOptions } from "./options/index.ts";
import { planRun } from "./plan.ts";
import { toRows } from "./rows.ts";
import { speculativeSteps } from "./speculate.ts";
import { tinyModel } from "./testing/tiny_model.ts";

const PROMPT = [3, 4, 5];
const NEW_TOKENS = 36;

/** Generates with `speculation: "auto"` and a drafter that knows the tokens to come, or proposes others. */
async function generateBy(knows: boolean, draftMs: number) {
  const engine = createReferenceEngine();
  const model = await loadCausalLM(tinyModel(), { engine });
  const options = { max_new_tokens: NEW_TOKENS, eos_token_id: [] };
  const plain = (await model.generate({ input_ids: [PROMPT] }, options)).new_tokens[0]!;
  const text = [...PROMPT, ...plain];

  let now = 0;
  const drafter: Drafter = {
    async propose(rows) {
      now += draftMs;
      return rows.map(({ ids, room }) => ({
        tokens: text
          .slice(ids.length, ids.length + Math.min(3, room - 1))
          .map((token) => (knows ? token : (token + 1) % 40)),
      }));
    },
    settle: () => undefined,
  };
  const plan = planRun(
    model.runtime,
    toRows({ input_ids: [PROMPT] }, 40),
    resolveOptions({ ...options, prompt_lookup_num_tokens: 4, speculation: "auto" }, {}),
    STEP_BY_STEP,
  );
  const counts: Counts = { launches: 0, submits: 0, rounds: [], stopped: [false] };
  const tokens: number[] = [];
  const steps = model.runtime.withStates(plan.cache, async function* (states) {
    const job = createJob(model.runtime, plan, states, counts);
    await fillCache(job);
    // Each run of the model takes 10 ms.
    const run: typeof job.run = (key, inputs) => {
      now += 10;
      return job.run(key, inputs);
    };
    yield* speculativeSteps({ ...job, run }, drafter, () => now);
  });
  for await (const step of steps) tokens.push(step.tokens[0]!);
  await model.dispose();
  expect(tokens).toEqual(plain);
  return counts;
}

describe('speculation: "auto"', () => {
  test("goes on drafting while it saves time", async () => {
    const { rounds, speculation } = await generateBy(true, 5);
    expect(rounds.slice(0, 3)).toEqual(new Array(3).fill({ drafted: 0, accepted: 0 }));
    expect(rounds.slice(3, -1).every(({ drafted, accepted }) => drafted === 3 && accepted === 3)).toBe(true);
    expect(speculation).toMatchObject({ active: true });
  });

  test("stops drafts that cost more than they save, and says why", async () => {
    const { rounds, speculation } = await generateBy(false, 5);
    expect(rounds.map(({ drafted }) => drafted)).toEqual([
      ...[0, 0, 0],
      ...[3, 3, 3, 3, 3, 3],
      ...new Array(NEW_TOKENS - 9).fill(0),
    ]);
    expect(speculation).toEqual({
      active: false,
      reason:
        "1.00 tokens in a round of 15.00 ms, where a plain step takes 10.00 ms: 0.67 times as fast; drafting ended after 6 rounds",
    });
  });

  test("stops right drafts as well where they take too long", async () => {
    const { speculation } = await generateBy(true, 60);
    expect(speculation?.active).toBe(false);
  });
});
