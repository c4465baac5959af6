import { expect, test } from "vitest";
import { demo } from "./demo.ts";
import { testIo } from "./testing/run.ts";

test.each([40, 80, undefined])("tells a story that fits a terminal of %s columns", async (columns) => {
  const io = testIo(columns === undefined ? {} : { columns });
  await demo(io, "interpreter", 12);
  const { stdout, stderr } = io.read();
  expect(stderr).toBe("");
  expect(stdout).toContain("One day, a little girl found a golden");
  for (const line of stdout.split("\n")) expect(line.length).toBeLessThanOrEqual(columns ?? 80);
  const traced = Number(/launches per token +(\d+) as traced/.exec(stdout)?.[1]);
  const compiled = Number(/(\d+) after passes/.exec(stdout)?.[1]);
  expect(compiled).toBeLessThan(traced / 2);
  for (const fact of ["tokens per second", "first token after", "bytes held", "compilations"])
    expect(stdout).toContain(fact);
  expect(stdout).toMatch(/\(first\s+prefill\)\n/);
});
