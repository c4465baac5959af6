import type { Value } from "@fusewire/ir";
import type { Outputs, States } from "@fusewire/passes";
import type { BeamOutcome } from "./beams/hypotheses.ts";
import type { SpeculationStats } from "./candidates/gain.ts";
import type { EntryKey } from "./entries/index.ts";
import type { RunPlan } from "./plan.ts";
import type { Runtime } from "./runtime.ts";
import type { Round } from "./stats.ts";

/** Runs one program over the states of a generation. */
export type Run = (key: EntryKey, inputs: Readonly<Record<string, Value>>) => Promise<Outputs>;

/** Hands a program that is ready to the engine, before it returns: several times in one submit. */
export type Submit = (inputs: Readonly<Record<string, Value>>, times: number) => Promise<readonly Outputs[]>;

/** What a generation has done so far. */
export interface Counts {
  launches: number;
  submits: number;
  readonly rounds: Round[];
  /** What `speculation: "auto"` has measured. */
  speculation?: SpeculationStats;
  /** Rows that the host has stopped, which strategies treat as ended. */
  readonly stopped: boolean[];
  /** What beam search has come to. */
  beams?: BeamOutcome;
}

/** One generation under way: what was decided, and how it runs programs over its states. */
export interface Job {
  readonly runtime: Runtime;
  readonly plan: RunPlan;
  readonly run: Run;
  /** Compiles a program that is to be run several times a submit; its runs end early where an output `done` is all 1. */
  readonly prepare: (key: EntryKey) => Promise<Submit>;
  readonly counts: Counts;
}

export function createJob(runtime: Runtime, plan: RunPlan, states: States, counts: Counts): Job {
  const { signal } = plan.options;
  const { engine } = runtime;
  const count = (key: EntryKey, runs: number) => {
    counts.launches += runs * runtime.launches(key);
  };
  return {
    runtime,
    plan,
    counts,
    async run(key, inputs) {
      signal?.throwIfAborted();
      counts.submits += 1;
      const outputs = await runtime.run(key, states, inputs);
      count(key, 1);
      return outputs;
    },
    async prepare(key) {
      const executable = await runtime.compile(key);
      return async (inputs, times) => {
        signal?.throwIfAborted();
        counts.submits += 1;
        const all = await engine.runTimes(executable, states, new Map(Object.entries(inputs)), times, "done");
        count(key, all.length);
        return all;
      };
    },
  };
}
