// Runs steps of `pnpm test` and records what came of each, for scripts/summary.ts to add up.

import { spawnSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));

/** Where results lie, one folder a command; git ignores it. */
export const resultsFolder = join(root, ".cache", "results");

/** A named shell command; `vitest` steps record their own tests, any other step counts as one test. */
export type Step = readonly [name: string, command: string];

/** Runs all steps, also after one has failed, so that one run shows everything; gives the exit code. */
export function runSteps(folder: string, steps: readonly Step[]): number {
  const results = join(resultsFolder, folder);
  rmSync(results, { recursive: true, force: true });
  mkdirSync(results, { recursive: true });
  const passed: Record<string, boolean> = {};
  for (const [name, command] of steps) {
    console.log(`\n> ${name}: ${command}`);
    const report =
      name === "vitest"
        ? ` --reporter=default --reporter=json --outputFile.json="${join(results, "vitest.json")}"`
        : "";
    passed[name] = spawnSync(command + report, { cwd: root, shell: true, stdio: "inherit" }).status === 0;
    // Written after each step: a run that is cut off leaves what it knows.
    writeFileSync(join(results, "steps.json"), JSON.stringify(passed));
  }
  const failed = Object.keys(passed).filter((name) => !passed[name]);
  if (failed.length > 0) console.error(`\nfailed: ${failed.join(", ")}`);
  return failed.length === 0 ? 0 : 1;
}
