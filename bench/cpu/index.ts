// CPU engines side by side on one model. Every engine is loaded and warmed first, then each decodes and prefills in turn,
// so that a busy machine is busy for all of them; read ratios and best rounds rather than medians.

import { execFileSync, spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { createEagerEngine } from "@fusewire/backend-tfjs";
import { createWasmEngine } from "@fusewire/backend-wasm";
import type { WeightDType } from "@fusewire/generate";
import type { Cold } from "./cold.ts";
import type { Contestant, Round } from "./contestant.ts";
import { openLlamaCpp } from "./llama_cpp.ts";
import { ours } from "./ours.ts";
import { measureRead } from "./read_bandwidth.ts";
import { machine, print, type Result, result } from "./report.ts";

const USAGE = `usage: tsx bench/cpu/index.ts <model folder> [flags]
  --rounds <n>      measured rounds (default: 5)
  --threads <n,…>   threads of each engine that has them (default: 1,2)
  --dtypes <a,…>    how weights are kept (default: auto,q8,q4)
  --gguf <file>     the same weights for llama.cpp; may be given several times
  --no-tfjs         leave tfjs's wasm out
  --busy            keep one core busy meanwhile
  --json <file>     write every round there`;

const text = { type: "string" } as const;
const flag = { type: "boolean" } as const;
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    ...{ rounds: text, threads: text, dtypes: text, json: text, busy: flag, "no-tfjs": flag },
    gguf: { type: "string", multiple: true },
  },
});
const [directory] = positionals;
if (!directory) throw new Error(USAGE);
const list = (value: string | undefined, otherwise: string): string[] => (value ?? otherwise).split(",");

function measureCold(dtype: string, threads: string): Cold {
  const script = fileURLToPath(new URL("cold.ts", import.meta.url));
  const args = ["--import", "tsx", script, directory!, dtype, threads];
  return JSON.parse(execFileSync(process.execPath, args, { encoding: "utf8" })) as Cold;
}

const contestants: Contestant[] = [];
const colds = new Map<Contestant, Cold>();
for (const threads of list(values.threads, "1,2")) {
  for (const dtype of list(values.dtypes, "auto,q8,q4")) {
    const engine = await createWasmEngine({ threads: Number(threads) });
    const name = `wasm ${dtype}, ${threads} threads`;
    const contestant = await ours(name, directory, dtype as WeightDType, engine, true);
    contestants.push(contestant);
    colds.set(contestant, measureCold(dtype, threads));
  }
  for (const gguf of values.gguf ?? []) contestants.push(await openLlamaCpp(gguf, Number(threads)));
}
if (!values["no-tfjs"])
  contestants.push(
    await ours("tfjs wasm eager, f32", directory, "auto", await createEagerEngine("wasm"), false),
  );

const busy = values.busy ? spawn(process.execPath, ["-e", "for (;;);"], { stdio: "ignore" }) : undefined;
const rounds = new Map<Contestant, Round[]>(contestants.map((contestant) => [contestant, []]));
const reads: number[] = [];
for (let k = 0; k < Number(values.rounds ?? "5"); k++) {
  reads.push(measureRead());
  for (const contestant of contestants) rounds.get(contestant)!.push(await contestant.round());
}
busy?.kill();
const results: Result[] = contestants.map((contestant) =>
  result(contestant, rounds.get(contestant)!, colds.get(contestant)),
);
const report = { machine: machine(), node: process.version, busy: busy !== undefined, reads, results };
print(report);
if (values.json) writeFileSync(values.json, `${JSON.stringify(report, null, 2)}\n`);
for (const contestant of contestants) await contestant.dispose();
