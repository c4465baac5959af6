import { loadCausalLM, type WeightDType } from "@fusewire/generate";
import { openModelDirectory } from "@fusewire/models/node";
import type { Engine } from "@fusewire/passes";
import { type Contestant, LONG_PROMPT, NEW_TOKENS, PROMPT, prompt, type Round } from "./contestant.ts";

/** A model on one of our engines; `batches` says whether steps of eight rows are measured too. */
export async function ours(
  name: string,
  directory: string,
  dtype: WeightDType,
  engine: Engine,
  batches: boolean,
): Promise<Contestant> {
  const model = await loadCausalLM(await openModelDirectory(directory), { engine, dtype });
  const timed = async (length: number, count: number, rows = 1): Promise<number> => {
    const input_ids = Array.from({ length: rows }, () => prompt(length));
    const start = performance.now();
    await model.generate({ input_ids }, { max_new_tokens: count, eos_token_id: [] });
    return performance.now() - start;
  };
  // The difference of two runs, so that the prompt does not count as decoding.
  const decoding = async (rows: number): Promise<number> => {
    const [short, long] = [await timed(PROMPT, 1, rows), await timed(PROMPT, 1 + NEW_TOKENS, rows)];
    return (long - short) / NEW_TOKENS;
  };
  await timed(PROMPT, 2);
  // Caches are short yet, so this is the weights.
  const weightBytes = engine.held().bytes;
  await timed(LONG_PROMPT + 1, 1);
  if (batches) await timed(PROMPT, 2, 8);
  return {
    name,
    weightBytes,
    async round(): Promise<Round> {
      const step = await decoding(1);
      const prefill = await timed(LONG_PROMPT + 1, 1);
      const eightRows = batches ? (await decoding(8)) / step : undefined;
      return { decode: 1000 / step, prefill: (1000 * LONG_PROMPT) / prefill, eightRows };
    },
    async dispose() {
      await model.dispose();
      engine.dispose();
    },
  };
}
