import type { RowChoice } from "@fusewire/generate";
import type { SlotWork } from "../scheduler/schedule.ts";
import type { BatchCounts, BatchEnd, BatchStep } from "./batch.ts";
import { type Channel, createChannel } from "./channel.ts";
import { createGauge, type Gauge } from "./gauge.ts";

/** A text that waits or runs. */
export interface Job {
  readonly id: number;
  readonly tokens: readonly number[];
  readonly tenant: string;
  readonly choice: RowChoice;
  readonly channel: Channel<BatchStep, BatchEnd>;
  readonly gauge: Gauge;
  /** Undefined while it waits. */
  slot: number | undefined;
  /** Tokens of the prompt that are still to be decoded before the first step. */
  left: number;
  /** Tokens of the prompt that the slot held already. */
  cached: number;
  made: number;
  /** Set once nobody reads it any more. */
  forsaken: boolean;
}

export const createJob = (given: Pick<Job, "id" | "tokens" | "tenant" | "choice">): Job => ({
  ...given,
  ...{ channel: createChannel<BatchStep, BatchEnd>(), gauge: createGauge() },
  ...{ slot: undefined, left: 0, cached: 0, made: 0, forsaken: false },
});

export const workOf = (job: Job | undefined): SlotWork => {
  if (!job) return { kind: "free" };
  return job.left > 0 ? { kind: "prefill", order: job.id } : { kind: "decode" };
};

export const countsOf = ({ tokens, cached, made, gauge }: Job): BatchCounts => ({
  prompt_tokens: tokens.length,
  cached_tokens: cached,
  new_tokens: made,
  ...gauge.times(),
});
