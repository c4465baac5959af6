import { numbersOf, toValue } from "@fusewire/ir";
import type { Run } from "../job.ts";
import { type RunPlan, rowNumbers, vector } from "../plan.ts";
import type { AssistantOptions } from "./assistant_options.ts";
import type { Drafter, Outcome } from "./drafter.ts";

/** Drafts by decoding with a smaller model, whose cache follows the rows; its prompts must be in the cache already. */
export function assistantDrafter(plan: RunPlan, run: Run, options: AssistantOptions): Drafter {
  const { schedule, threshold, remember } = options;
  let { numTokens } = options;
  const { batch, cache, rows: prompts } = plan;
  const decode = {
    key: { ...plan.decode.key, confidence: true } as typeof plan.decode.key,
    inputs: plan.decode.inputs,
  };
  /** Tokens of each row, and how many from its start have keys and values here. */
  const lengths = prompts.map((row) => row.length);
  const cached = prompts.map((row) => row.length - 1);
  let drafted = prompts.map(() => 0);

  return {
    async propose(rows) {
      const wanted = rows.map(({ room, done }) => (done ? 0 : Math.max(0, Math.min(numTokens, room - 1))));
      if (Math.max(...wanted) > 0) await catchUp();
      const drafts: number[][] = rows.map(() => []);
      const stopped = wanted.map((count) => count === 0);
      while (stopped.includes(false)) {
        const outputs = await run(decode.key, decode.inputs);
        const [tokens, ended, confidence] = ["token", "done", "confidence"].map((name) =>
          numbersOf(outputs.get(name)!),
        ) as [number[], number[], number[]];
        for (const [b, draft] of drafts.entries()) {
          if (stopped[b]) continue;
          draft.push(tokens[b]!);
          stopped[b] = draft.length >= wanted[b]! || ended[b] === 1 || confidence[b]! < threshold;
        }
      }
      drafted = drafts.map((draft) => draft.length);
      return drafts;
    },

    async settle(outcomes) {
      await rewind(outcomes);
      for (const [b, { gained, accepted }] of outcomes.entries()) {
        // The last draft itself was never decoded, and what follows a wrong one is of no use.
        if (drafted[b]! > 0) cached[b] = lengths[b]! + Math.min(accepted, drafted[b]! - 1);
        lengths[b]! += gained.length;
        cached[b] = Math.min(cached[b]!, lengths[b]! - 1);
      }
      const all = outcomes.every(({ accepted }) => accepted === numTokens);
      if (schedule !== "constant") numTokens = all ? numTokens + 2 : Math.max(1, numTokens - 1);
      if (schedule === "heuristic") remember(numTokens);
    },
  };

  /** Decodes what the rows gained beyond the drafts, but for their last token. */
  async function catchUp(): Promise<void> {
    const behind = lengths.map((length, b) => length - 1 - cached[b]!);
    const most = Math.max(...behind);
    if (most <= 0) return;
    await run(
      { kind: "prefill", batch, ...cache, length: plan.chunkFor(most) },
      {
        rows: rowNumbers(batch),
        at: vector(batch, (b) => cached[b] ?? 0),
        count: vector(batch, (b) => behind[b] ?? 0),
      },
    );
    for (const b of cached.keys()) cached[b] = lengths[b]! - 1;
  }

  /** Replaces the drafts of every row by what it gained. */
  async function rewind(outcomes: readonly Outcome[]): Promise<void> {
    const length = 2 ** Math.ceil(Math.log2(Math.max(1, ...outcomes.map(({ gained }) => gained.length))));
    const tokens = Array.from(
      { length: batch * length },
      (_, i) => outcomes[Math.floor(i / length)]?.gained[i % length] ?? 0,
    );
    await run(
      { kind: "append", batch, ...cache, length },
      {
        rows: rowNumbers(batch),
        at: vector(batch, (b) => lengths[b] ?? 1),
        count: vector(batch, (b) => outcomes[b]?.gained.length ?? 0),
        tokens: toValue({ dtype: "i32", shape: [batch, length] }, tokens),
        done: vector(batch, (b) => (outcomes[b] && !outcomes[b]!.done ? 0 : 1)),
      },
    );
  }
}
