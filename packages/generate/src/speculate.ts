import { numbersOf, toValue } from "@fusewire/ir";
import type { Drafter } from "./candidates/drafter.ts";
import type { Job } from "./job.ts";
import { vector } from "./plan.ts";
import type { GenerationStep } from "./step.ts";

/** Several tokens a row and round: a drafter proposes them, and one step of the model verifies those of all rows. */
export async function* speculativeSteps(job: Job, drafter: Drafter): AsyncGenerator<GenerationStep> {
  const { plan, counts } = job;
  const rows = plan.rows.map((row) => [...row]);
  const done = rows.map(() => false);
  while (done.includes(false)) {
    const drafts = await drafter.propose(
      rows.map((ids, b) => ({ ids, room: plan.limits[b]! - ids.length, done: done[b]! })),
    );
    const verdict = await verifyDrafts(job, drafts);
    const outcomes = verdict.map(({ tokens, matched, ended }, b) =>
      done[b] ? { gained: [], accepted: 0, done: true } : { gained: tokens, accepted: matched, done: ended },
    );
    counts.rounds.push({
      drafted: drafts.reduce((sum, row) => sum + row.length, 0),
      accepted: outcomes.reduce((sum, { accepted }) => sum + accepted, 0),
    });
    for (const [b, outcome] of outcomes.entries()) {
      rows[b]!.push(...outcome.gained);
      done[b] = outcome.done;
    }
    // Rows advance by different amounts; each of the steps that are told holds at most one token a row.
    for (let t = 0; t < Math.max(...outcomes.map(({ gained }) => gained.length)); t++)
      yield { tokens: outcomes.map(({ gained }) => gained[t]) };
    if (done.includes(false)) await drafter.settle(outcomes);
  }
}

interface Verdict {
  /** What the row gained. */
  readonly tokens: readonly number[];
  /** Its drafts that were right. */
  readonly matched: number;
  readonly ended: boolean;
}

/** One round: checks the drafts of all rows, or decodes one token where there are none. */
async function verifyDrafts({ plan, run }: Job, drafts: readonly (readonly number[])[]): Promise<Verdict[]> {
  const { rows, batch } = plan;
  const most = Math.max(...drafts.map((row) => row.length));
  if (most === 0) {
    const outputs = await run(plan.decode.key, plan.decode.inputs);
    const [token, done] = ["token", "done"].map((name) => numbersOf(outputs.get(name)!)) as [
      number[],
      number[],
    ];
    return rows.map((_, b) => ({ tokens: [token[b]!], matched: 0, ended: done[b] === 1 }));
  }
  // Powers of two, so that rounds of every size share few programs.
  const length = 2 ** Math.ceil(Math.log2(most + 1));
  const { key, inputs } = plan.verify(length);
  const padded = Array.from(
    { length: batch * (length - 1) },
    (_, i) => drafts[Math.floor(i / (length - 1))]?.[i % (length - 1)] ?? 0,
  );
  const outputs = await run(key, {
    ...inputs,
    drafts: toValue({ dtype: "i32", shape: [batch, length - 1] }, padded),
    drafted: vector(batch, (b) => drafts[b]?.length ?? 0),
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
