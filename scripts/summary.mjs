// Adds up the results that scripts/test.ts left: `node scripts/summary.mjs test long`. Plain JavaScript, so that it
// can still say what failed where nothing could be installed.

import { existsSync, readFileSync } from "node:fs";

const results = new URL("../.cache/results/", import.meta.url);
const total = { passed: 0, failed: 0, skipped: 0 };

function read(path) {
  const url = new URL(path, results);
  return existsSync(url) ? JSON.parse(readFileSync(url, "utf8")) : undefined;
}

for (const run of process.argv.slice(2)) {
  const steps = read(`${run}/steps.json`);
  if (steps === undefined) {
    console.error(`${run}: did not start`);
    total.failed += 1;
    continue;
  }
  for (const [name, passed] of Object.entries(steps)) {
    if (name !== "vitest") {
      total[passed ? "passed" : "failed"] += 1;
      continue;
    }
    const report = read(`${run}/vitest.json`);
    const failedTests = report?.numFailedTests ?? 0;
    total.passed += report?.numPassedTests ?? 0;
    total.failed += failedTests;
    total.skipped += (report?.numPendingTests ?? 0) + (report?.numTodoTests ?? 0);
    // A file that cannot be loaded, or an error outside a test, fails the run with no failed test to show for it.
    const brokenFiles =
      report?.testResults.filter((file) => file.status === "failed" && file.assertionResults.length === 0)
        .length ?? 0;
    total.failed += !passed && failedTests === 0 ? Math.max(1, brokenFiles) : brokenFiles;
  }
  if (!("vitest" in steps)) total.failed += 1;
}

const skipped = total.skipped > 0 ? `, ${total.skipped} skipped` : "";
console.log(`${total.passed} passed, ${total.failed} failed${skipped}`);
process.exitCode = total.failed > 0 ? 1 : 0;
