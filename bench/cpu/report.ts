import { cpus } from "node:os";
import type { Cold } from "./cold.ts";
import type { Contestant, Round } from "./contestant.ts";

/** What one engine came to. */
export interface Result {
  readonly name: string;
  readonly weightBytes: number;
  readonly rounds: readonly Round[];
  readonly cold: Cold | undefined;
}

export interface Report {
  readonly machine: string;
  readonly node: string;
  readonly busy: boolean;
  /** GB/s that one thread read, a figure a round. */
  readonly reads: readonly number[];
  readonly results: readonly Result[];
}

export const result = ({ name, weightBytes }: Contestant, rounds: readonly Round[], cold?: Cold): Result => ({
  name,
  weightBytes,
  rounds,
  cold,
});

export const machine = (): string => `${cpus().length} × ${cpus()[0]?.model ?? "unknown processor"}`;

/** A line for each engine: the best round and, in brackets, the median. */
export function print({ machine, node, busy, reads, results }: Report): void {
  console.log(`${machine}, Node ${node}${busy ? ", one core kept busy by another process" : ""}`);
  console.log(`reading memory: ${Math.max(...reads).toFixed(1)} GB/s at best on one thread`);
  for (const { name, weightBytes, rounds, cold } of results) {
    const decode = figures(rounds.map((round) => round.decode));
    const prefill = figures(rounds.map((round) => round.prefill));
    const eight = rounds.flatMap(({ eightRows }) => eightRows ?? []);
    const parts = [
      `decode ${decode.best.toFixed(1)} (${decode.median.toFixed(1)}) tok/s`,
      `${((decode.best * weightBytes) / 1e9).toFixed(1)} GB/s of weights`,
      `prefill ${prefill.best.toFixed(0)} (${prefill.median.toFixed(0)}) tok/s`,
      ...(eight.length > 0 ? [`8 rows ${figures(eight).median.toFixed(2)} steps of 1`] : []),
      ...(cold ? [`cold ${cold.firstToken.toFixed(0)} ms, ${(cold.bytes / 1e6).toFixed(0)} MB`] : []),
    ];
    console.log(`${name.padEnd(36)} ${parts.join(", ")}`);
  }
}

function figures(numbers: readonly number[]): { readonly best: number; readonly median: number } {
  const sorted = [...numbers].sort((a, b) => a - b);
  return { best: sorted.at(-1) ?? Number.NaN, median: sorted[Math.floor(sorted.length / 2)] ?? Number.NaN };
}
