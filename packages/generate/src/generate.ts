import type { GenerationDefaults } from "@fusewire/models";
import type { States } from "@fusewire/passes";
import { checkUsable, forgetLost } from "./cache/bind.ts";
import { pastOf, wholeTexts } from "./cache/continue_text.ts";
import { resultCache } from "./cache/given_cache.ts";
import { withCache } from "./cache/lease.ts";
import { settle, writtenBeyond } from "./cache/settle.ts";
import { splitCall } from "./call.ts";
import type { CompileSettings } from "./compile/settings.ts";
import { type Counts, createJob } from "./job.ts";
import { checkFullgraph } from "./options/conflicts.ts";
import { type GenerationOptions, resolveOptions } from "./options/index.ts";
import { planRun } from "./plan.ts";
import {
  collect,
  emptyCollection,
  type GenerationResult,
  joinSequences,
  scoresOf,
  tokenStats,
} from "./result.ts";
import { checkPositions, type PositionedInputs, repeatRows, toRows, withInferredMask } from "./rows.ts";
import type { Runtime } from "./runtime.ts";
import type { GenerationStep } from "./step.ts";
import { isStopping, rowsToStop } from "./stopping/criteria.ts";
import { type FinishReason, finishReason } from "./stopping/finish_reason.ts";
import { strategyFor } from "./strategies.ts";
import { streamed } from "./streamer.ts";

/** Inputs, and options beside them where they have no argument of their own. */
export type GenerateInputs = PositionedInputs & GenerationOptions;

/** Generates step by step; the generator's return value is the result. A streamer hears of the end, however it comes. */
export async function* generateSteps(
  runtime: Runtime,
  given: GenerateInputs,
  besides: GenerationOptions,
  defaults: GenerationDefaults,
  settings: CompileSettings,
): AsyncGenerator<GenerationStep, GenerationResult> {
  try {
    const { inputs, options } = splitCall<PositionedInputs, GenerationOptions>("generate", given, besides);
    return yield* stepsOf(runtime, inputs, options, defaults, settings);
  } finally {
    // What was refused may hold anything.
    const streamer = besides.streamer ?? given?.streamer;
    if (typeof streamer?.end === "function") streamer.end();
  }
}

async function* stepsOf(
  runtime: Runtime,
  given: PositionedInputs,
  options: GenerationOptions,
  defaults: GenerationDefaults,
  settings: CompileSettings,
): AsyncGenerator<GenerationStep, GenerationResult> {
  const started = performance.now();
  const { model } = runtime.source;
  const resolved = resolveOptions(options, defaults);
  const inputs = withInferredMask(given, resolved);
  checkFullgraph(options, settings);
  const hold = resolved.pastKeyValues;
  if (hold) {
    checkUsable(hold, runtime);
    forgetLost(hold);
  }
  const { beams, returned, stopping, hosts } = resolved;
  /** Rows of each prompt. */
  const width = beams?.beams ?? returned;
  const batch = hold
    ? wholeTexts(hold, inputs, model.vocabSize)
    : toRows(repeatRows(inputs, width), model.vocabSize);
  if (given.position_ids) {
    const once = <T>(rows: readonly T[]) => rows.filter((_, b) => b % width === 0);
    checkPositions(
      given.position_ids,
      { rows: once(batch.rows), starts: once(batch.starts) },
      given.input_ids.map(() => 0),
    );
  }
  const plan = planRun(runtime, batch, resolved, settings, hold && pastOf(hold, runtime, batch.rows));
  const prompts = batch.rows.filter((_, b) => b % width === 0);
  const made = emptyCollection(prompts.length * returned);
  const counts: Counts = { launches: 0, submits: 0, rounds: [], stopped: made.tokens.map(() => false) };
  /** Why the host stopped each row, where it did. */
  const stopped: (FinishReason | undefined)[] = made.tokens.map(() => undefined);
  let firstToken = started;

  const strategy = strategyFor(plan);
  const work = (states: States) => strategy(createJob(runtime, plan, states, counts));
  const steps = hold
    ? withCache(hold, runtime, plan.cache, work, (finished) =>
        settle(hold, {
          text: batch,
          cached: plan.cached,
          newTokens: made.tokens,
          beyond: writtenBeyond({ runtime, settings, counts, newTokens: made.tokens, finished }),
        }),
      )
    : runtime.withStates(plan.cache, work);
  for await (const step of streamed(steps, options.streamer ?? undefined, prompts)) {
    const now = performance.now();
    if (firstToken === started) firstToken = now;
    yield collect(made, step, counts.stopped, now - started);
    // What beam search returns at its end is no step that could be stopped.
    if (counts.beams || !isStopping(stopping)) continue;
    const texts = made.tokens.map((tokens, b) => [...prompts[Math.floor(b / returned)]!, ...tokens]);
    const scores = resolved.returns.includes("scores") ? made.scores : undefined;
    for (const [b, stop] of rowsToStop(stopping, texts, scores, now - started).entries())
      if (stop) {
        counts.stopped[b] = true;
        stopped[b] ??= stop;
      }
    if (!beams && counts.stopped.every(Boolean)) break;
  }

  return {
    sequences: joinSequences(
      repeatRows(inputs, returned).input_ids,
      made.tokens,
      // Hugging Face's beam search takes a pad token 0 for none.
      (beams && !resolved.pad && resolved.eos[0]) || (resolved.pad ?? 0),
    ),
    new_tokens: made.tokens,
    finish_reason: made.tokens.map((newTokens, b) =>
      finishReason({
        prompt: prompts[Math.floor(b / returned)]!,
        newTokens,
        maxNewTokens: plan.limits[0]! - batch.rows[0]!.length,
        eos: resolved.eos,
        stopStrings: resolved.stopStrings,
        stopped: stopped[b],
      }),
    ),
    ...resultCache(resolved.cache),
    ...counts.beams,
    ...scoresOf(made, resolved.returns),
    stats: {
      device: runtime.engine.name,
      ...(runtime.engine.notice !== undefined && { device_notice: runtime.engine.notice }),
      ...(plan.notices.length > 0 && { notices: plan.notices }),
      ...(runtime.engine.variants && { kernels: runtime.engine.variants.current() }),
      ...tokenStats(prompts, made.tokens, { started, firstToken, ended: performance.now() }),
      token_times_ms: made.times,
      cached_tokens: plan.cached.reduce((sum, count) => sum + count, 0),
      launches: counts.launches,
      submits: counts.submits,
      rounds: counts.rounds,
      ...(counts.speculation && { speculation: counts.speculation }),
      compilations: runtime.programs.takeCompilations(),
      bytes: runtime.engine.held().bytes,
      ...(hosts.length > 0 && { host_processors: hosts.length }),
      ...(resolved.sample && { seed: plan.seed }),
    },
  };
}
