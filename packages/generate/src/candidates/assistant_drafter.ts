import { floats, numbersOf, toValue } from "@fusewire/ir";
import type { Outputs } from "@fusewire/passes";
import type { CacheSize } from "../entries/context.ts";
import type { EntryKey } from "../entries/index.ts";
import type { Job } from "../job.ts";
import { rowNumbers, vector } from "../plan.ts";
import type { AssistantOptions } from "./assistant_options.ts";
import { bestThreshold, type Judged, judge } from "./best_threshold.ts";
import type { Drafter, Drafting } from "./drafter.ts";
import { followerOf, hiddenBefore, hide, nextRun, settle, unkept } from "./follower.ts";

/** Before there is a round to go by. */
const FIRST_GUESS = 4;

/**
 * Drafts by decoding with a smaller model, whose cache follows the rows; its prompts must be in the cache already.
 * A round is one submit that tells the assistant what became of its last drafts, and one of all drafting steps. Where
 * a confidence may stop them, engines on which the host computes run step by step, for a step costs and a submit does
 * not; on others what is drafted past the stop is dropped.
 */
export async function assistantDrafter(job: Job, options: AssistantOptions): Promise<Drafter> {
  const { schedule, adaptive, remember } = options;
  let { numTokens, threshold } = options;
  const { batch, cache, rows: prompts, decode } = job.plan;
  const { pad, eos } = job.plan.options;
  // As Hugging Face infers it: where pad tokens end rows nothing is hidden.
  const unseen = pad !== undefined && !eos.includes(pad) ? pad : undefined;
  const { sample } = decode.key.selection;
  const appendKeyOf = appendKeys({ batch, ...cache });
  const step = await job.prepare({ ...decode.key, kind: "draft" });
  const followers = prompts.map(({ length }) => followerOf(length));
  const seen: Judged[] = [];
  let expected = FIRST_GUESS;

  return {
    async propose(rows) {
      const wanted = rows.map(({ room, done }) => (done ? 0 : Math.max(0, Math.min(numTokens, room - 1))));
      const drafts = rows.map(() => ({ tokens: [] as number[], probabilities: [] as Float32Array[] }));
      for (const follower of followers) Object.assign(follower, { steps: 0, confidences: [] });
      const most = Math.max(...wanted);
      if (most === 0) return drafts;
      await follow(rows);
      const inputs = {
        ...decode.inputs,
        hidden: vector(batch, (b) => followers[b]?.hidden.length ?? 0),
        unkept: vector(batch, (b) => (followers[b] ? unkept(followers[b]) : -1)),
      };
      const stopped = wanted.map((count) => count === 0);
      for (let asked = 0; stopped.includes(false); ) {
        const times = Math.min(most - asked, stepsAtOnce());
        asked += times;
        for (const outputs of await step(inputs, times)) take(outputs);
      }
      expected = Math.max(...drafts.map(({ tokens }) => tokens.length)) + 1;
      return drafts;

      function take(outputs: Outputs): void {
        const [tokens, ended, confidence] = ["token", "done", "confidence"].map((name) =>
          numbersOf(outputs.get(name)!),
        ) as [number[], number[], number[]];
        for (const [b, draft] of drafts.entries()) {
          const follower = followers[b]!;
          follower.steps += 1;
          if (stopped[b]) continue;
          draft.tokens.push(tokens[b]!);
          follower.confidences.push(confidence[b]!);
          if (sample) draft.probabilities.push(rowOf(outputs, b));
          stopped[b] = draft.tokens.length >= wanted[b]! || ended[b] === 1 || confidence[b]! < threshold;
        }
      }
    },

    settle(outcomes) {
      for (const [b, { accepted }] of outcomes.entries()) {
        const follower = followers[b]!;
        settle(follower, accepted);
        seen.push(...judge(follower.confidences, accepted));
      }
      if (adaptive) threshold = bestThreshold(seen) ?? threshold;
      const all = outcomes.every(({ accepted }, b) => accepted === followers[b]!.confidences.length);
      if (schedule !== "constant") numTokens = all ? numTokens + 2 : Math.max(1, numTokens - 1);
      if (schedule === "heuristic") remember(numTokens);
    },
  };

  function stepsAtOnce(): number {
    if (threshold === 0) return Number.POSITIVE_INFINITY;
    return job.runtime.engine.runAhead > 0 ? expected : 1;
  }

  /** Puts what the rows gained in the drafts' place, and decodes what the caches lack of it, but for the last token. */
  async function follow(rows: readonly Drafting[]): Promise<void> {
    for (const [b, { ids }] of rows.entries()) hide(followers[b]!, ids, unseen);
    for (;;) {
      const gained = rows.map(({ ids }, b) => ids.slice(followers[b]!.known));
      const missing = rows.map(({ ids }, b) => nextRun(followers[b]!, ids.length - 1));
      const [length, decoded] = [gained.map((ids) => ids.length), missing].map(roomFor) as [number, number];
      if (length === 0 && decoded === 0) return;
      await append(rows, gained, missing, { length: Math.max(1, length), decoded });
    }
  }

  async function append(
    rows: readonly Drafting[],
    gained: readonly (readonly number[])[],
    missing: readonly number[],
    sizes: AppendSizes,
  ): Promise<void> {
    const { length } = sizes;
    const tokens = Array.from(
      { length: batch * length },
      (_, i) => gained[Math.floor(i / length)]?.[i % length] ?? 0,
    );
    await job.run(appendKeyOf(sizes), {
      rows: rowNumbers(batch),
      at: vector(batch, (b) => followers[b]?.known ?? 1),
      count: vector(batch, (b) => gained[b]?.length ?? 0),
      tokens: toValue({ dtype: "i32", shape: [batch, length] }, tokens),
      done: vector(batch, (b) => (rows[b] && !rows[b]!.done ? 0 : 1)),
      from: vector(batch, (b) => followers[b]?.cached ?? 0),
      missing: vector(batch, (b) => missing[b] ?? 0),
      hidden: vector(batch, (b) => (followers[b] ? hiddenBefore(followers[b]) : 0)),
    });
    for (const [b, follower] of followers.entries()) {
      follower.known = rows[b]!.ids.length;
      follower.cached += missing[b]!;
    }
  }
}

interface AppendSizes {
  /** Tokens that a row may gain, and those of them and of what came before that are to be decoded. */
  readonly length: number;
  readonly decoded: number;
}

/** One key for equal sizes: programs are found by it each round. */
function appendKeys(size: CacheSize & { readonly batch: number }): (sizes: AppendSizes) => EntryKey {
  const keys = new Map<string, EntryKey>();
  return (sizes) => {
    const name = `${sizes.length} ${sizes.decoded}`;
    const key: EntryKey = keys.get(name) ?? { kind: "append", ...size, ...sizes };
    keys.set(name, key);
    return key;
  };
}

/** Powers of two, so that few programs serve all; 0 where nothing is. */
const roomFor = (counts: readonly number[]): number => {
  const most = Math.max(...counts);
  return most <= 0 ? 0 : 2 ** Math.ceil(Math.log2(most));
};

function rowOf(outputs: Outputs, b: number): Float32Array {
  const all = outputs.get("probabilities")!;
  const size = all.type.shape[1]!;
  return floats(all).subarray(b * size, (b + 1) * size);
}
