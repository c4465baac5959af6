import type { CausalLM, GenerationOptions, Round } from "@fusewire/generate";
import { median } from "../statistics.ts";

/** One way to generate: its speed, and its rounds. */
export interface Contender {
  readonly name: string;
  readonly options: () => GenerationOptions;
}

export interface Outcome {
  /** Milliseconds a token, of all behind the first step that gave any. */
  readonly msPerToken: number;
  readonly rounds: readonly Round[];
  readonly submits: number;
}

/**
 * Generates in each way in turn, and does what is `alongside`, so that a busy machine is busy for all; medians by name.
 * Tokens must not differ.
 */
export async function contest(
  model: CausalLM,
  prompt: readonly number[],
  contenders: readonly Contender[],
  {
    tokens,
    warm,
    repeats,
    alongside,
  }: {
    readonly tokens: number;
    /** Rounds before those that count: the first compiles, and short steps need JavaScript warm. */
    readonly warm: number;
    readonly repeats: number;
    readonly alongside: () => Promise<void>;
  },
): Promise<ReadonlyMap<string, Outcome>> {
  const found = new Map<string, Outcome[]>(contenders.map(({ name }) => [name, []]));
  let first: string | undefined;
  for (let repeat = -warm; repeat < repeats; repeat++) {
    if (repeat >= 0) await alongside();
    for (const { name, options } of contenders) {
      const { new_tokens, stats } = await model.generate(
        { input_ids: [prompt] },
        { max_new_tokens: tokens, eos_token_id: [], ...options() },
      );
      first ??= new_tokens.join();
      if (new_tokens.join() !== first) throw new Error(`${name} generated other tokens than plain decoding`);
      const times = stats.token_times_ms;
      const behind = tokens - 1 - (stats.rounds[0]?.accepted ?? 0);
      if (repeat >= 0)
        found.get(name)!.push({
          msPerToken: (times.at(-1)! - times[0]!) / behind,
          rounds: stats.rounds,
          submits: stats.submits,
        });
    }
  }
  return new Map(
    [...found].map(([name, outcomes]) => [
      name,
      { ...outcomes[0]!, msPerToken: median(outcomes.map(({ msPerToken }) => msPerToken)) },
    ]),
  );
}
