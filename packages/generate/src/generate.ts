import { FusewireError } from "@fusewire/ir";
import type { GenerationDefaults } from "@fusewire/models";
import type { States } from "@fusewire/passes";
import { assistantDrafter } from "./candidates/assistant_drafter.ts";
import { lookupDrafter } from "./candidates/lookup_drafter.ts";
import { decodeSteps } from "./decode_steps.ts";
import { fillCache, type Run } from "./fill_cache.ts";
import { type GenerationOptions, type ResolvedOptions, resolveOptions } from "./options.ts";
import { planRun, type RunPlan } from "./plan.ts";
import { type ModelInputs, toRows } from "./rows.ts";
import type { Runtime } from "./runtime.ts";
import { speculativeSteps } from "./speculate.ts";
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
  const counts: Counts = { launches: 0, submits: 0, rounds: [] };
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

interface Counts {
  launches: number;
  submits: number;
  readonly rounds: Round[];
}

/** Runs programs of a model over its states, and counts. */
const runnerOf =
  (runtime: Runtime, states: States, { signal }: ResolvedOptions, counts: Counts): Run =>
  async (key, inputs) => {
    signal?.throwIfAborted();
    const outputs = await runtime.run(key, states, inputs);
    counts.launches += runtime.launches(key);
    counts.submits += 1;
    return outputs;
  };

async function* runSteps(
  runtime: Runtime,
  plan: RunPlan,
  states: States,
  counts: Counts,
): AsyncGenerator<GenerationStep> {
  const { lookup, assistant } = plan.options;
  const run = runnerOf(runtime, states, plan.options, counts);
  await fillCache(plan, run);
  if (lookup) {
    const drafter = lookupDrafter(plan, lookup, runtime.source.model.vocabSize);
    yield* speculativeSteps(plan, run, drafter, counts.rounds);
  } else if (assistant) {
    const { runtime: other, options } = assistant;
    const draftPlan = planAssistant(other, runtime, plan);
    yield* other.withStates(draftPlan.cache, async function* (draftStates) {
      const draftRun = runnerOf(other, draftStates, plan.options, counts);
      await fillCache(draftPlan, draftRun);
      yield* speculativeSteps(plan, run, assistantDrafter(draftPlan, draftRun, options), counts.rounds);
    });
  } else yield* decodeSteps(plan, run);
}

/** The same generation by the assistant. */
function planAssistant(assistant: Runtime, target: Runtime, plan: RunPlan): RunPlan {
  const [own, other] = [target.source.model.vocabSize, assistant.source.model.vocabSize];
  if (own !== other)
    throw new FusewireError(
      `assistant_model has a vocabulary of ${other} tokens, the model one of ${own}; both must have the same tokenizer`,
    );
  const width = Math.max(...plan.rows.map((row) => row.length));
  const batch = { rows: plan.rows, starts: plan.rows.map(() => 0), width };
  return planRun(assistant, batch, { ...plan.options, seed: plan.seed });
}
