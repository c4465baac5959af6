/** Prompts: tokens a second from the prompt to its first new token. */

import { median } from "../statistics.ts";
import { BASE, FUSED, openContestants, promptOf, UNFUSED } from "./contestants.ts";
import type { BenchOptions } from "./options.ts";
import { type Figures, machine, type Report } from "./report.ts";

export async function prefill(options: BenchOptions): Promise<Report> {
  const { device, contestants, dispose } = await openContestants(options, [BASE, UNFUSED, FUSED]);
  const input_ids = [promptOf(options.prompt)];
  const timed = async (k: number): Promise<number> => {
    const start = performance.now();
    await contestants[k]!.model.generate({ input_ids }, { max_new_tokens: 1, eos_token_id: [] });
    return performance.now() - start;
  };
  const indices = contestants.map((_, k) => k);
  const cold: number[] = [];
  for (const k of indices) cold.push(await timed(k));
  const rounds: number[][] = [];
  for (let round = 0; round < options.rounds; round++) {
    const times: number[] = [];
    for (const k of indices) times.push(await timed(k));
    rounds.push(times);
  }
  const base = contestants.findIndex(({ name }) => name === BASE);
  const figures = contestants.map(({ name }, k): readonly [string, Figures] => [
    name,
    {
      tokens_per_second: median(rounds.map((times) => (1000 * options.prompt) / times[k]!)),
      times_eager: median(rounds.map((times) => times[base]! / times[k]!)),
      warm_ms: median(rounds.map((times) => times[k]!)),
      cold_ms: cold[k]!,
    },
  ]);
  await dispose();
  const { model, prompt, dtype } = options;
  return {
    bench: "prefill",
    shown: ["tokens_per_second", "prompt tokens a second, median"],
    about: { ...machine(device), model, dtype, prompt, rounds: options.rounds },
    contestants: Object.fromEntries(figures),
  };
}
