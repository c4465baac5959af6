/** Tokens that a verification takes along leave the same keys and values, to the bit, as steps of one token. */
import { type CausalLM, StaticCache } from "@fusewire/generate";
import { numbersOf } from "@fusewire/ir";
import type { Engine } from "@fusewire/passes";
import { describe, expect, test } from "vitest";
import { withModel } from "./support/engines.ts";
import { goldenPath } from "./support/goldens.ts";

const llama = goldenPath("models", "llama");
const input_ids = [[5, 80, 33, 7, 120]];
const greedy = { max_new_tokens: 44, eos_token_id: [] };

/** The tokens, and the keys and values of all but the last, after generating in this way. */
async function generated(model: CausalLM, engine: Engine, drafting: object) {
  const cache = new StaticCache({ config: model.config, max_cache_len: 64 });
  const options = { ...greedy, ...drafting, past_key_values: cache };
  const { new_tokens, stats } = await model.generate({ input_ids }, options);
  const { states } = cache.hold.bound!;
  const known = input_ids[0]!.length + greedy.max_new_tokens - 1;
  const caches: number[][] = [];
  for (const { name } of states.decls.filter((decl) => decl.name.startsWith("cache."))) {
    const value = await engine.readState(states, name);
    const [, heads, slots, width] = value.type.shape as [number, number, number, number];
    const all = numbersOf(value);
    for (let h = 0; h < heads; h++) caches.push(all.slice(h * slots * width, (h * slots + known) * width));
  }
  cache.dispose();
  return { tokens: new_tokens[0]!, caches, stats };
}

describe.each(["wasm", "webgpu"])("%s", (device) => {
  test.each([1, 4, 20])("with %i drafts a round", (drafts) =>
    withModel(llama, device, (model, engine) =>
      withModel(llama, device, async (assistant_model) => {
        // A model that drafts for itself is always right, so each round takes in all its drafts.
        assistant_model.generation_config.num_assistant_tokens = drafts;
        assistant_model.generation_config.assistant_confidence_threshold = 0;
        const plain = await generated(model, engine, {});
        const verified = await generated(model, engine, { assistant_model });
        expect(verified.stats.rounds[0]).toEqual({ drafted: drafts, accepted: drafts });
        expect(verified.tokens).toEqual(plain.tokens);
        expect(verified.caches).toEqual(plain.caches);
      }),
    ),
  );
});
