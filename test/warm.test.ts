/** After warm-up nothing is compiled, whatever is asked for within the sizes that were named. */
import type { CausalLM } from "@fusewire/generate";
import { loadTokenizer } from "@fusewire/models";
import { embeddedModel, openModelDirectory } from "@fusewire/models/node";
import { DEFAULT_BUCKETS } from "@fusewire/passes";
import { expect, test } from "vitest";
import { withModel } from "./support/engines.ts";

/** Numbers from 0 to below 1 that are the same in every run. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Caches of 128 and 256 slots. */
const buckets = { ...DEFAULT_BUCKETS, capacity: 128 };

const withTales = (body: (model: CausalLM) => Promise<void>) =>
  withModel(embeddedModel("tales-draft"), "wasm", body, { buckets });

test("50 calls of random lengths, batches, options and ends, with prompt lookup and an assistant", () =>
  withTales((model) =>
    withTales(async (assistant_model) => {
      const tokenizer = await loadTokenizer(await openModelDirectory(embeddedModel("tales-draft")));
      assistant_model.generation_config.num_assistant_tokens = 4;
      await model.warmup({
        batch_size: [1, 2, 3, 4],
        max_length: 256,
        prompt_lookup_num_tokens: 5,
        assistant_model,
        stop_strings: ["the end"],
        tokenizer,
      });
      const compiled = [model, assistant_model].map(({ runtime }) => runtime.programs.compilations.length);
      const next = random(1);
      const pick = <T>(...values: T[]): T => values[Math.floor(next() * values.length)]!;
      const counts = { rounds: 0, sampled: 0 };
      for (let call = 0; call < 50; call++) {
        const rows = Array.from({ length: pick(1, 2, 3, 4) }, () => pick(1, 5, 40, 90, 130, 200));
        const width = Math.max(...rows);
        const input_ids = rows.map((length) =>
          Array.from({ length: width }, (_, i) =>
            i < width - length ? 0 : 100 + Math.floor(next() * 9) * (call + 1),
          ),
        );
        const attention_mask = rows.map((length) =>
          Array.from({ length: width }, (_, i) => (i < width - length ? 0 : 1)),
        );
        const sampling = pick<object>(
          {},
          { temperature: 0.5 + next(), top_p: 0.5 + next() / 2, seed: call },
          { top_k: pick(0, 1, 40), min_p: next() / 4, repetition_penalty: 1 + next() },
        );
        const do_sample = Object.keys(sampling).length > 0;
        const drafts = pick<object>(
          {},
          {},
          { prompt_lookup_num_tokens: pick(1, 2, 3, 5) },
          { assistant_model },
        );
        const ends = pick<object>(
          { eos_token_id: [] },
          { eos_token_id: pick(1, 2, 150) },
          { eos_token_id: [100, 118, 127, 136], pad_token_id: 3 },
          { stop_strings: [". ", "dragon"], tokenizer },
        );
        const { stats } = await model.generate(
          { input_ids, attention_mask },
          { max_new_tokens: pick(1, 3, 9), ...(do_sample && { do_sample, ...sampling }), ...drafts, ...ends },
        );
        counts.rounds += stats.rounds.length;
        counts.sampled += Number(do_sample);
      }
      expect(counts.rounds).toBeGreaterThan(30);
      expect(counts.sampled).toBeGreaterThan(20);
      for (const [k, { runtime }] of [model, assistant_model].entries())
        expect(runtime.programs.compilations.slice(compiled[k])).toEqual([]);
    }),
  ));
