import { createReferenceEngine } from "@fusewire/passes";
import { expect, test } from "vitest";
import { type CausalLM, loadCausalLM } from "../load.ts";
import { tinyModel } from "../testing/tiny_model.ts";

const load = (generation: object = {}): Promise<CausalLM> =>
  loadCausalLM(tinyModel({ generation }), {
    engine: createReferenceEngine(),
    buckets: { batch: [1, 2], chunk: [8, 32], capacity: 64 },
  });

/** How many tokens were drafted in each round of two generations, one after another, by a model that is always right. */
async function roundsOf(num_assistant_tokens_schedule: string) {
  const assistant_model = await load({
    ...{ num_assistant_tokens: 3, num_assistant_tokens_schedule, assistant_confidence_threshold: 0 },
  });
  const model = await load();
  const rounds: number[][] = [];
  for (let call = 0; call < 2; call++) {
    const { stats } = await model.generate(
      { input_ids: [[5, 9, 2]] },
      { assistant_model, max_new_tokens: 24, eos_token_id: [] },
    );
    rounds.push(stats.rounds.map(({ drafted }) => drafted));
  }
  return { rounds, after: assistant_model.generation_config.num_assistant_tokens };
}

// AssistedCandidateGenerator.update_candidate_strategy of transformers 5.24: two more after a round of right drafts; only
// `heuristic` keeps the number in the assistant's generation_config.
test.each([
  ["constant", [3, 3, 3, 3, 3, 3], [3, 3, 3, 3, 3, 3], 3],
  ["heuristic_transient", [3, 5, 7, 5], [3, 5, 7, 5], 3],
  ["heuristic", [3, 5, 7, 5], [11, 11], 15],
])("%s: drafts a round, and in the next generation", async (schedule, first, second, after) => {
  expect(await roundsOf(schedule)).toEqual({ rounds: [first, second], after });
});
