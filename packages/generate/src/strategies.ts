import { beamSteps } from "./beams/beam_steps.ts";
import { assistantDrafter } from "./candidates/assistant_drafter.ts";
import { lookupDrafter } from "./candidates/lookup_drafter.ts";
import { checkSameTokenizer } from "./candidates/same_tokenizer.ts";
import { decodeSteps } from "./decode_steps.ts";
import { fillCache, fillOthers } from "./fill_cache.ts";
import { fillShared } from "./fill_shared.ts";
import { hostSteps } from "./host_steps.ts";
import { createJob, type Job } from "./job.ts";
import { planRun, type RunPlan } from "./plan.ts";
import type { Runtime } from "./runtime.ts";
import { speculativeSteps } from "./speculate.ts";
import type { GenerationStep } from "./step.ts";

/** Makes the tokens of a generation, step by step. */
export type Strategy = (job: Job) => AsyncGenerator<GenerationStep>;

/** The way to generate that the options ask for. */
export function strategyFor({
  options: { lookup, assistant, beams, returned, hosts, guidance },
}: RunPlan): Strategy {
  const width = beams?.beams ?? returned;
  const fill = (job: Job) => (width > 1 ? fillShared(job, width) : fillCache(job));
  if (beams)
    return async function* (job) {
      await fill(job);
      yield* beamSteps(job, beams);
    };
  if (lookup)
    return async function* (job) {
      await fill(job);
      yield* speculativeSteps(job, lookupDrafter(job.plan, lookup, job.runtime.source.model.vocabSize));
    };
  if (assistant)
    return async function* (job) {
      const { runtime, options } = assistant;
      await checkSameTokenizer(job.runtime, runtime);
      const plan = planAssistant(runtime, job);
      await fill(job);
      yield* runtime.withStates(plan.cache, async function* (states) {
        const draftJob = createJob(runtime, plan, states, job.counts);
        await fill(draftJob);
        yield* speculativeSteps(job, await assistantDrafter(draftJob, options));
      });
    };
  return async function* (job) {
    await fill(job);
    if (guidance) await fillOthers(job);
    yield* hosts.length > 0 ? hostSteps(job) : decodeSteps(job);
  };
}

/** The same generation by the assistant. */
function planAssistant(assistant: Runtime, { plan }: Job): RunPlan {
  const width = Math.max(...plan.rows.map((row) => row.length));
  const batch = { rows: plan.rows, starts: plan.rows.map(() => 0), width };
  return planRun(assistant, batch, { ...plan.options, seed: plan.seed }, plan.settings);
}
