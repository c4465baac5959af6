/** Benches of the WebGPU engine: `pnpm bench <name>`; see docs/performance.md. */
import { spawnSync } from "node:child_process";
import { findAdapter } from "@fusewire/backend-tfjs/adapter";
import { softwareAdapter } from "@fusewire/backend-tfjs/node";
import { attentionBench } from "./attention.ts";
import { decode } from "./decode.ts";
import { dispatch } from "./dispatch.ts";
import { type BenchOptions, readOptions, USAGE } from "./options.ts";
import { prefill } from "./prefill.ts";
import type { Report } from "./report.ts";
import { write } from "./write.ts";

const BENCHES: Readonly<Record<string, (options: BenchOptions) => Promise<Report>>> = {
  decode,
  prefill,
  attention: attentionBench,
  dispatch,
};

/** Runs this program again with a software adapter, where there is no GPU and it has not been run so before. */
async function again(): Promise<number | undefined> {
  if (process.env.VK_DRIVER_FILES || !("refused" in (await findAdapter()))) return undefined;
  const environment = softwareAdapter(import.meta.url);
  if (!environment) throw new Error("no GPU, and no software adapter for this system");
  console.error("no GPU found: starting again on a software adapter, whose speeds say nothing of a GPU");
  const args = [...process.execArgv, ...process.argv.slice(1)];
  return (
    spawnSync(process.execPath, args, { stdio: "inherit", env: { ...process.env, ...environment } }).status ??
    1
  );
}

const { bench, options } = readOptions(process.argv.slice(2));
const run = BENCHES[bench];
if (!run) {
  console.error(USAGE);
  process.exit(1);
}
const status = bench === "dispatch" ? undefined : await again();
if (status === undefined) await write(await run(options));
process.exit(status ?? 0);
