import { numbersOf, toValue } from "@fusewire/ir";
import { allowedCandidates } from "./candidates/allowed.ts";
import { type PromptLookupOptions, promptLookup } from "./candidates/prompt_lookup.ts";
import type { Run } from "./fill_cache.ts";
import { type RunPlan, vector } from "./plan.ts";
import type { Round } from "./stats.ts";
import type { GenerationStep } from "./step.ts";

/** Several tokens a row and round: each proposes what followed its own end before, and one step verifies all. */
export async function* lookupSteps(
  plan: RunPlan,
  run: Run,
  lookup: PromptLookupOptions,
  vocabSize: number,
  rounds: Round[],
): AsyncGenerator<GenerationStep> {
  const rows = plan.rows.map((row) => [...row]);
  const done = rows.map(() => false);
  while (done.includes(false)) {
    const drafts = rows.map((row, b) => {
      if (done[b]) return [];
      const candidates = promptLookup(row, plan.limits[b]! - row.length, lookup);
      return allowedCandidates(plan, b, row, candidates, vocabSize);
    });
    const { tokens, matched, ended } = await verifyDrafts(plan, run, drafts);
    rounds.push({
      drafted: drafts.reduce((sum, row) => sum + row.length, 0),
      accepted: matched.reduce((sum, count) => sum + count, 0),
    });
    const appended = tokens.map((row, b) => (done[b] ? [] : row));
    for (const [b, row] of appended.entries()) {
      rows[b]!.push(...row);
      done[b] = ended[b]!;
    }
    // Rows advance by different amounts; each of the steps that are told holds at most one token a row.
    for (let t = 0; t < Math.max(...appended.map((row) => row.length)); t++)
      yield { tokens: appended.map((row) => row[t]) };
  }
}

interface Verdict {
  /** What each row gained. */
  readonly tokens: readonly (readonly number[])[];
  /** Drafts of each row that were right. */
  readonly matched: readonly number[];
  readonly ended: readonly boolean[];
}

/** One round: checks the drafts of all rows, or decodes one token where there are none. */
async function verifyDrafts(
  plan: RunPlan,
  run: Run,
  drafts: readonly (readonly number[])[],
): Promise<Verdict> {
  const { rows, batch } = plan;
  const most = Math.max(...drafts.map((row) => row.length));
  if (most === 0) {
    const outputs = await run(plan.decode.key, plan.decode.inputs);
    const token = numbersOf(outputs.get("token")!);
    const done = numbersOf(outputs.get("done")!);
    return {
      tokens: rows.map((_, b) => [token[b]!]),
      matched: rows.map(() => 0),
      ended: rows.map((_, b) => done[b] === 1),
    };
  }
  // Powers of two, so that rounds of every size share few programs.
  const length = 2 ** Math.ceil(Math.log2(most + 1));
  const { key, inputs } = plan.verify(length);
  const outputs = await run(key, {
    ...inputs,
    drafts: toValue(
      { dtype: "i32", shape: [batch, length - 1] },
      Array.from({ length: batch }, (_, b) =>
        Array.from({ length: length - 1 }, (_, t) => drafts[b]?.[t] ?? 0),
      ).flat(),
    ),
    drafted: vector(batch, (b) => drafts[b]?.length ?? 0),
  });
  const [tokens, count, matched, done] = ["tokens", "count", "matched", "done"].map((name) =>
    numbersOf(outputs.get(name)!),
  ) as [number[], number[], number[], number[]];
  return {
    tokens: rows.map((_, b) => tokens.slice(b * length, b * length + count[b]!)),
    matched: rows.map((_, b) => matched[b]!),
    ended: rows.map((_, b) => done[b] === 1),
  };
}
