import { floats, hash32, numbersOf, type Value } from "@fusewire/ir";
import type { Outputs } from "@fusewire/passes";
import type { EntryKey } from "../entries/index.ts";
import type { Job } from "../job.ts";
import type { RunPlan } from "../plan.ts";
import { perRow } from "../processors/encode.ts";
import { runStep } from "../run_step.ts";
import { readScores } from "../scores/outputs.ts";
import type { GenerationStep } from "../step.ts";
import {
  advanceText,
  type BeamOptions,
  type BeamText,
  goesOn,
  newText,
  type Path,
  stepsOf,
  withMissing,
} from "./hypotheses.ts";

/** Before the first step only the first beam of a text counts, for all are the same. */
const NOT_YET = -1e9;

/**
 * Beam search or beam sampling (Hugging Face _beam_search). The device finds and places continuations; the host keeps
 * the texts that have ended. Steps of the search yield no tokens; the texts that are returned follow at its end.
 */
export async function* beamSteps(job: Job, options: BeamOptions): AsyncGenerator<GenerationStep> {
  const { plan, counts } = job;
  const { beams, returned } = options;
  const key = beamKey(plan, beams);
  const prompts = plan.rows.length / beams;
  const longest = plan.limits[0]! - plan.rows[0]!.length;
  let running: (Path | undefined)[] = plan.rows.map(() => undefined);
  let sums: readonly number[] = plan.rows.map((_, row) => (row % beams === 0 ? 0 : NOT_YET));
  let texts: BeamText[] = Array.from({ length: prompts }, () => newText);
  const all = plan.rows.map(() => true);
  const none: undefined[] = new Array(prompts * returned).fill(undefined);

  for (let length = 1, ended = false; !ended && goesOn(texts, options); length++) {
    const input_ids = plan.rows.map((row, b) => [...row, ...tokensOf(running[b])]);
    const outputs = await runStep(
      job,
      key,
      { ...plan.decode.inputs, ...stepInputs(plan, sums, beams, length) },
      input_ids,
    );
    yield { tokens: none, ...readScores(outputs, all) };
    const over = length === longest || counts.stopped.every(Boolean);
    const found = readContinuations(outputs, prompts, running);
    const next = numbersOf(outputs.get("next")!);
    const goOn = found.map((text, p) => Array.from({ length: beams }, (_, j) => text[next[p * beams + j]!]!));
    texts = texts.map((text, p) => {
      const continuations = found[p]!.map(({ path, ended }) => ({ path, ended: ended || over }));
      const [first] = goOn[p]!;
      const leader = first!.path.sum + (first!.ended ? NOT_YET : 0);
      return advanceText(text, continuations, leader, options, length, longest);
    });
    running = goOn.flatMap((text) => text.map(({ path }) => path));
    sums = goOn.flatMap((text) => text.map(({ path, ended }) => path.sum + (ended ? NOT_YET : 0)));
    ended = over || found.every((text) => text.every((one) => one.ended));
  }

  const chosen = texts.flatMap(({ best }) => withMissing(best, returned));
  const paths = chosen.map(({ path }) => stepsOf(path));
  counts.stopped.fill(false);
  counts.beams = {
    sequences_scores: chosen.map(({ score }) => score),
    beam_indices: paths.map((path) => path.map(({ source }) => source)),
  };
  const logprobsOf = (path: readonly Path[], t: number) => path[t] && path[t].sum - (path[t - 1]?.sum ?? 0);
  for (let t = 0; t < Math.max(...paths.map((path) => path.length)); t++)
    yield {
      tokens: paths.map((path) => path[t]?.token),
      ...(plan.options.returns.includes("logprobs") && {
        logprobs: paths.map((path) => logprobsOf(path, t)),
      }),
    };
}

/** The program of a step. As many candidates as leave enough that go on, should all end tokens be among the best. */
function beamKey({ decode: { key }, options }: RunPlan, beams: number): Extract<EntryKey, { kind: "beam" }> {
  const ends = options.eos.length;
  return {
    ...key,
    kind: "beam",
    beams,
    candidates: Math.max(2, 1 + ends) * beams,
    keep: 1 + Math.max(1, ends),
    returns: options.returns.filter((name) => name !== "logprobs"),
  };
}

const tokensOf = (path: Path | undefined): number[] => stepsOf(path).map(({ token }) => token);

/** The sums so far, and the seeds of this step: each row draws for itself. */
function stepInputs(
  { batch, decode }: RunPlan,
  sums: readonly number[],
  beams: number,
  length: number,
): Record<string, Value> {
  const seeds = decode.inputs.seed && numbersOf(decode.inputs.seed);
  const mixed = (seed: number, by: number) => hash32((hash32(seed) ^ by) >>> 0);
  return {
    sums: perRow(batch, "f32", (b) => sums[b] ?? NOT_YET),
    ...(seeds && { seed: perRow(batch, "u32", (b) => mixed(mixed(seeds[b]!, length), b % beams)) }),
  };
}

interface Found {
  readonly path: Path;
  readonly ended: boolean;
}

/** The continuations of each text, best first. */
function readContinuations(
  outputs: Outputs,
  prompts: number,
  running: readonly (Path | undefined)[],
): Found[][] {
  const [tokens, sources, ended] = ["token", "source", "ended"].map((name) =>
    numbersOf(outputs.get(name)!),
  ) as [number[], number[], number[]];
  const sums = floats(outputs.get("sum")!);
  const candidates = outputs.get("sum")!.type.shape[1]!;
  return Array.from({ length: prompts }, (_, p) =>
    Array.from({ length: candidates }, (_, k) => {
      const at = p * candidates + k;
      const source = sources[at]!;
      return {
        path: { before: running[source], token: tokens[at]!, source, sum: sums[at]! },
        ended: ended[at] === 1,
      };
    }),
  );
}
