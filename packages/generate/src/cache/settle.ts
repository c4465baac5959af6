import type { CompileSettings } from "../compile/settings.ts";
import type { Counts } from "../job.ts";
import type { Rows } from "../rows.ts";
import type { Runtime } from "../runtime.ts";
import { type CacheHold, EMPTY_ROW } from "./hold.ts";

/** What a generation did with the rows of a cache. */
export interface Outcome {
  readonly text: Pick<Rows, "rows" | "starts">;
  /** Tokens of each row that it took from the cache. */
  readonly cached: readonly number[];
  readonly newTokens: readonly (readonly number[])[];
  /** Tokens that may have been written behind the last one: drafts that were wrong, steps that nobody waited for. */
  readonly beyond: number;
}

/**
 * Notes what the cache holds after a generation, also one that was stopped. Keys and values of every token but the
 * last are there, and where none was generated only those that were there before are certain.
 */
export function settle(hold: CacheHold, { text, cached, newTokens, beyond }: Outcome): void {
  const rows = [...hold.rows];
  for (const [b, prompt] of text.rows.entries()) {
    const before = rows[b] ?? EMPTY_ROW;
    const reused = cached[b]!;
    const gained = newTokens[b]!;
    const ids = gained.length > 0 ? [...prompt, ...gained] : prompt.slice(0, reused);
    const end = prompt.length + gained.length - 1 + beyond;
    rows[b] = {
      ids,
      cached: gained.length > 0 ? ids.length - 1 : reused,
      pads: text.starts[b]!,
      // From the first token on everything was written anew: what lay further is of no text that is held.
      written: reused === 0 ? end : Math.max(before.written, end),
    };
  }
  hold.rows = rows;
}

/** A generation that has ended, or was left. */
interface Ended {
  readonly runtime: Runtime;
  readonly settings: CompileSettings;
  readonly counts: Pick<Counts, "rounds" | "stopped">;
  readonly newTokens: Outcome["newTokens"];
  readonly finished: boolean;
}

/** How far behind the last token of a row a generation can have written; see `Outcome`. */
export function writtenBeyond({ runtime, settings, counts, newTokens, finished }: Ended): number {
  const drafts = Math.max(0, ...counts.rounds.map(({ drafted }) => drafted));
  const stopped = counts.stopped.includes(true);
  // A row that ended writes nothing more; of one that was left, submits under way write on.
  if (finished && !stopped) return drafts;
  const underWay = settings.stepsPerSubmit * (runtime.engine.runAhead + 2);
  // A row that the host stopped goes on on the device until all have ended.
  const lengths = newTokens.map((tokens) => tokens.length);
  return Math.max(drafts, underWay) + (stopped ? Math.max(...lengths) - Math.min(...lengths) : 0);
}
