import type { GenerationDefaults } from "@fusewire/models";
import type { CompileSettings } from "./compile/settings.ts";
import { type Counts, createJob } from "./job.ts";
import { type GenerationOptions, resolveOptions } from "./options/index.ts";
import { planRun } from "./plan.ts";
import { type GenerationResult, joinSequences, tokenStats } from "./result.ts";
import { type ModelInputs, toRows } from "./rows.ts";
import type { Runtime } from "./runtime.ts";
import type { GenerationStep } from "./step.ts";
import { strategyFor } from "./strategies.ts";

/** Generates step by step; the generator's return value is the result. */
export async function* generateSteps(
  runtime: Runtime,
  inputs: ModelInputs,
  options: GenerationOptions,
  defaults: GenerationDefaults,
  settings: CompileSettings,
): AsyncGenerator<GenerationStep, GenerationResult> {
  const started = performance.now();
  const { model } = runtime.source;
  const resolved = resolveOptions(options, defaults);
  const batch = toRows(inputs, model.vocabSize);
  const plan = planRun(runtime, batch, resolved, settings);
  const newTokens: number[][] = batch.rows.map(() => []);
  const counts: Counts = { launches: 0, submits: 0, rounds: [] };
  let firstToken = started;

  const strategy = strategyFor(plan);
  const steps = runtime.withStates(plan.cache, (states) =>
    strategy(createJob(runtime, plan, states, counts)),
  );
  for await (const { tokens } of steps) {
    if (newTokens.every((row) => row.length === 0)) firstToken = performance.now();
    for (const [b, token] of tokens.entries()) if (token !== undefined) newTokens[b]!.push(token);
    yield { tokens };
  }

  return {
    sequences: joinSequences(inputs.input_ids, newTokens, resolved.pad),
    new_tokens: newTokens,
    stats: {
      device: runtime.engine.name,
      ...(runtime.engine.variants && { kernels: runtime.engine.variants.current() }),
      ...tokenStats(batch, newTokens, { started, firstToken, ended: performance.now() }),
      launches: counts.launches,
      submits: counts.submits,
      rounds: counts.rounds,
      compilations: runtime.programs.takeCompilations(),
      bytes: runtime.engine.held().bytes,
      ...(resolved.sample && { seed: plan.seed }),
    },
  };
}
