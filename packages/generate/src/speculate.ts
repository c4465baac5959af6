import { emptyValue, numbersOf, toValue, type Value } from "@fusewire/ir";
import type { Draft, Drafter } from "./candidates/drafter.ts";
import { measureGain } from "./candidates/gain.ts";
import { verifyLength } from "./candidates/verify_length.ts";
import type { Job } from "./job.ts";
import { vector } from "./plan.ts";
import type { GenerationStep } from "./step.ts";

/**
 * Several tokens a row and round: a drafter proposes them, and one step of the model verifies those of all rows. The
 * clock, in milliseconds, is for `speculation: "auto"`.
 */
export async function* speculativeSteps(
  job: Job,
  drafter: Drafter,
  clock: () => number = () => performance.now(),
): AsyncGenerator<GenerationStep> {
  const { plan, counts } = job;
  const gain = plan.options.speculation === "auto" ? measureGain() : undefined;
  const rows = plan.rows.map((row) => [...row]);
  const done = rows.map(() => false);
  // A step may not be longer than rings of keys and values have room for.
  const roomOf = (b: number) => Math.min(plan.limits[b]! - rows[b]!.length, job.runtime.source.longestStep);
  while (done.includes(false)) {
    const started = clock();
    const live = done.filter((one) => !one).length;
    const drafting = gain?.drafts() ?? true;
    const drafts = drafting
      ? await drafter.propose(rows.map((ids, b) => ({ ids, room: roomOf(b), done: done[b]! })))
      : rows.map(() => ({ tokens: [] }));
    const verdict = await verifyDrafts(
      job,
      drafts.map((draft, b) => within(draft, roomOf(b) - 1)),
    );
    const outcomes = verdict.map(({ tokens, matched, ended }, b) =>
      done[b] ? { gained: [], accepted: 0, ended: true } : { gained: tokens, accepted: matched, ended },
    );
    counts.rounds.push({
      drafted: drafts.reduce((sum, { tokens }) => sum + tokens.length, 0),
      accepted: outcomes.reduce((sum, { accepted }) => sum + accepted, 0),
    });
    if (drafting) drafter.settle(outcomes);
    for (const [b, { gained, ended }] of outcomes.entries()) {
      rows[b]!.push(...gained);
      done[b] = ended;
    }
    if (gain) {
      const gained = outcomes.reduce((sum, outcome) => sum + outcome.gained.length, 0) / live;
      gain.record({ drafted: drafts.some(({ tokens }) => tokens.length > 0), ms: clock() - started, gained });
      counts.speculation = gain.stats();
    }
    // Rows advance by different amounts; each of the steps that are told holds at most one token a row.
    for (let t = 0; t < Math.max(...outcomes.map(({ gained }) => gained.length)); t++)
      yield { tokens: outcomes.map(({ gained }) => gained[t]) };
    for (const [b, stopped] of counts.stopped.entries()) done[b] ||= stopped;
  }
}

/** Drafts that still fit; prompt lookup may propose more, as in Hugging Face. */
const within = ({ tokens, probabilities }: Draft, most: number): Draft => ({
  tokens: tokens.slice(0, most),
  ...(probabilities && { probabilities: probabilities.slice(0, most) }),
});

interface Verdict {
  /** What the row gained. */
  readonly tokens: readonly number[];
  /** Its drafts that were right. */
  readonly matched: number;
  readonly ended: boolean;
}

/** One round: checks the drafts of all rows, or decodes one token where there are none. */
async function verifyDrafts({ plan, run, runtime }: Job, drafts: readonly Draft[]): Promise<Verdict[]> {
  const { rows, batch } = plan;
  const most = Math.max(...drafts.map(({ tokens }) => tokens.length));
  if (most === 0) {
    const outputs = await run(plan.decode.key, plan.decode.inputs);
    const [token, done] = ["token", "done"].map((name) => numbersOf(outputs.get(name)!)) as [
      number[],
      number[],
    ];
    return rows.map((_, b) => ({ tokens: [token[b]!], matched: 0, ended: done[b] === 1 }));
  }
  const length = Math.min(verifyLength(most), runtime.source.longestStep);
  const sampled = drafts.some(({ probabilities }) => probabilities && probabilities.length > 0);
  const { key, inputs } = plan.verify(length, sampled ? "sampled" : "certain");
  const outputs = await run(key, {
    ...inputs,
    drafts: toValue(
      { dtype: "i32", shape: [batch, length - 1] },
      atPlaces(batch, length - 1, (b, t) => drafts[b]?.tokens[t] ?? 0),
    ),
    drafted: vector(batch, (b) => drafts[b]?.tokens.length ?? 0),
    ...(sampled && {
      draft_probabilities: probabilitiesOf(drafts, [batch, length - 1, runtime.source.model.vocabSize]),
    }),
  });
  const [tokens, count, matched, done] = ["tokens", "count", "matched", "done"].map((name) =>
    numbersOf(outputs.get(name)!),
  ) as [number[], number[], number[], number[]];
  return rows.map((_, b) => ({
    tokens: tokens.slice(b * length, b * length + count[b]!),
    matched: matched[b]!,
    ended: done[b] === 1,
  }));
}

/** A number for each of the places of each row. */
const atPlaces = (batch: number, places: number, of: (b: number, t: number) => number): number[] =>
  Array.from({ length: batch * places }, (_, i) => of(Math.floor(i / places), i % places));

/** What the drafts were drawn from, f32[B, T, V]; zeros where there is none. */
function probabilitiesOf(
  drafts: readonly Draft[],
  shape: readonly [batch: number, places: number, vocabulary: number],
): Value {
  const value = emptyValue({ dtype: "f32", shape });
  const [, places, vocabulary] = shape;
  for (const [b, { probabilities = [] }] of drafts.entries())
    for (const [t, row] of probabilities.entries()) value.data.set(row, (b * places + t) * vocabulary);
  return value;
}
