/** Decoding: tokens a second warm, the first token cold, launches a token, and weight bytes read against copying. */
import type { GenerationStats } from "@fusewire/generate";
import { median } from "../statistics.ts";
import { copyBandwidth } from "./bandwidth.ts";
import { BASE, type Contestant, openContestants, promptOf, UNFUSED } from "./contestants.ts";
import type { BenchOptions } from "./options.ts";
import { type Figures, machine, type Report } from "./report.ts";

interface Round {
  readonly first_ms: number;
  readonly tokens_per_second: number;
  readonly stats: GenerationStats;
}

export async function decode(options: BenchOptions): Promise<Report> {
  const { device, contestants, dispose } = await openContestants(options);
  const input_ids = [promptOf(options.prompt)];
  const generate = async ({ model }: Contestant, max_new_tokens: number) => {
    const start = performance.now();
    const { stats } = await model.generate({ input_ids }, { max_new_tokens, eos_token_id: [] });
    return { ms: performance.now() - start, stats };
  };
  /** The difference of two runs, so that the prompt does not count, nor when the tokens of a submit are told. */
  const measure = async (contestant: Contestant): Promise<Round> => {
    const first = await generate(contestant, 1);
    const all = await generate(contestant, 1 + options.tokens);
    const tokens_per_second = (1000 * options.tokens) / (all.ms - first.ms);
    return { first_ms: first.ms, tokens_per_second, stats: all.stats };
  };
  const cold: number[] = [];
  for (const contestant of contestants) {
    cold.push((await generate(contestant, 1)).ms);
    await generate(contestant, 1 + options.tokens);
  }
  const rounds: Round[][] = [];
  for (let round = 0; round < options.rounds; round++) {
    const row: Round[] = [];
    for (const contestant of contestants) row.push(await measure(contestant));
    rounds.push(row);
  }
  const copy = await copyBandwidth(device);
  const [base, unfused] = [BASE, UNFUSED].map((one) => contestants.findIndex(({ name }) => name === one)) as [
    number,
    number,
  ];
  const figures = contestants.map(({ name, engine, weightBytes }, k): readonly [string, Figures] => {
    const of = (figure: (row: readonly Round[]) => number) => median(rounds.map(figure));
    const against = (other: number) => of((row) => row[k]!.tokens_per_second / row[other]!.tokens_per_second);
    const perSecond = of((row) => row[k]!.tokens_per_second);
    const { launches, submits, new_tokens } = rounds[0]![k]!.stats;
    const read = (perSecond * weightBytes()) / 1e9;
    return [
      name,
      {
        tokens_per_second: perSecond,
        times_eager: against(base),
        times_unfused: against(unfused),
        first_token_cold_ms: cold[k]!,
        first_token_warm_ms: of((row) => row[k]!.first_ms),
        launches_per_token: launches / new_tokens,
        submits_per_token: submits / new_tokens,
        bytes_held: engine.held().bytes,
        weight_bytes_per_token: weightBytes(),
        gb_per_second: read,
        share_of_copy: read / copy,
      },
    ];
  });
  await dispose();
  const { model, prompt, tokens, dtype } = options;
  return {
    bench: "decode",
    shown: ["tokens_per_second", "tokens a second, median"],
    about: {
      ...machine(device),
      model,
      dtype,
      prompt,
      tokens,
      rounds: options.rounds,
      copy_gb_per_second: copy,
    },
    contestants: Object.fromEntries(figures),
  };
}
