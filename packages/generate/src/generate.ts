import type { GenerationDefaults } from "@fusewire/models";
import type { States } from "@fusewire/passes";
import { decodeSteps } from "./decode_steps.ts";
import { fillCache, type Run } from "./fill_cache.ts";
import { type GenerationOptions, resolveOptions } from "./options.ts";
import { planRun, type RunPlan } from "./plan.ts";
import { type ModelInputs, toRows } from "./rows.ts";
import type { Runtime } from "./runtime.ts";
import { lookupSteps } from "./speculate.ts";
import type { GenerationStats, Round } from "./stats.ts";
import type { GenerationStep } from "./step.ts";

export interface GenerationResult {
  /** The input with its pads, then the new tokens, padded to one length: as Hugging Face returns them. */
  readonly sequences: number[][];
  /** New tokens alone, each row as long as it got. */
  readonly new_tokens: number[][];
  readonly stats: GenerationStats;
}

/** Generates step by step; the generator's return value is the result. */
export async function* generateSteps(
  runtime: Runtime,
  inputs: ModelInputs,
  options: GenerationOptions,
  defaults: GenerationDefaults,
): AsyncGenerator<GenerationStep, GenerationResult> {
  const started = performance.now();
  const { model } = runtime.source;
  const resolved = resolveOptions(options, defaults);
  const batch = toRows(inputs, model.vocabSize);
  const plan = planRun(runtime, batch, resolved);
  const newTokens: number[][] = batch.rows.map(() => []);
  const counts = { launches: 0, submits: 0, rounds: [] as Round[] };
  let firstToken = started;

  const steps = runtime.withStates(plan.cache, (states) => runSteps(runtime, plan, states, counts));
  for await (const { tokens } of steps) {
    if (newTokens.every((row) => row.length === 0)) firstToken = performance.now();
    for (const [b, token] of tokens.entries()) if (token !== undefined) newTokens[b]!.push(token);
    yield { tokens };
  }

  const ended = performance.now();
  const total = newTokens.reduce((sum, row) => sum + row.length, 0);
  const after = total - newTokens.filter((row) => row.length > 0).length;
  const longest = Math.max(...newTokens.map((row) => row.length));
  return {
    sequences: inputs.input_ids.map((row, b) => [
      ...row,
      ...newTokens[b]!,
      ...new Array<number>(longest - newTokens[b]!.length).fill(resolved.pad),
    ]),
    new_tokens: newTokens,
    stats: {
      device: runtime.engine.name,
      prompt_tokens: batch.rows.reduce((sum, row) => sum + row.length, 0),
      new_tokens: total,
      time_to_first_token_ms: firstToken - started,
      tokens_per_second: after > 0 ? after / ((ended - firstToken) / 1000) : 0,
      launches: counts.launches,
      submits: counts.submits,
      rounds: counts.rounds,
      compilations: runtime.takeCompilations(),
      bytes: runtime.engine.held().bytes,
      ...(resolved.sample && { seed: plan.seed }),
    },
  };
}

async function* runSteps(
  runtime: Runtime,
  plan: RunPlan,
  states: States,
  counts: { launches: number; submits: number; rounds: Round[] },
): AsyncGenerator<GenerationStep> {
  const run: Run = async (key, inputs) => {
    plan.options.signal?.throwIfAborted();
    const outputs = await runtime.run(key, states, inputs);
    counts.launches += runtime.launches(key);
    counts.submits += 1;
    return outputs;
  };
  await fillCache(plan, run);
  const { lookup } = plan.options;
  yield* lookup
    ? lookupSteps(plan, run, lookup, runtime.source.model.vocabSize, counts.rounds)
    : decodeSteps(plan, run);
}
