import { chooseSlot } from "./choose_slot.ts";
import type { Job } from "./job.ts";

/** Which text sits in which slot, and whose text lies in those that are free. */
export interface Seats {
  readonly jobs: readonly (Job | undefined)[];
  readonly running: () => readonly Job[];
  /** Seats a text where it costs least; the slot, and whether what lay there was another tenant's. */
  take(
    job: Job,
    held: (slot: number, tokens: readonly number[]) => number,
  ): { slot: number; foreign: boolean };
  /** Does nothing where the text has left already. */
  leave(job: Job): void;
  /** Nothing that lies in the slots counts any more. */
  forget(): void;
}

export function createSeats(count: number): Seats {
  const jobs: (Job | undefined)[] = new Array<Job | undefined>(count).fill(undefined);
  const owners: (string | undefined)[] = new Array<string | undefined>(count).fill(undefined);
  /** When each slot was last left, counted in departures. */
  const left: number[] = new Array<number>(count).fill(0);
  let departures = 0;
  return {
    jobs,
    running: () => jobs.filter((job) => job !== undefined),
    take(job, held) {
      // The one that was left longest ago comes first.
      const free = [...jobs.keys()].filter((slot) => !jobs[slot]).sort((a, b) => left[a]! - left[b]!);
      const slot = chooseSlot(free, job, { owners, held });
      const foreign = owners[slot] !== job.tenant;
      owners[slot] = job.tenant;
      jobs[slot] = job;
      job.slot = slot;
      return { slot, foreign };
    },
    leave(job) {
      const slot = jobs.indexOf(job);
      if (slot < 0) return;
      jobs[slot] = undefined;
      left[slot] = ++departures;
    },
    forget: () => void owners.fill(undefined),
  };
}
