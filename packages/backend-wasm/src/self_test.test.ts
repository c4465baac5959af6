import { expect, test } from "vitest";
import { testVariants } from "./self_test.ts";

test("finds nothing wrong with either SIMD", async () => {
  const { simd, threads, tests } = await testVariants();
  expect(threads).toBeGreaterThan(0);
  expect(Object.keys(tests)).toEqual(simd === "relaxed" ? ["relaxed", "base"] : ["base"]);
  for (const [name, { results, ...verdict }] of Object.entries(tests)) {
    expect([name, results.filter(({ ok }) => !ok)]).toEqual([name, []]);
    expect([name, verdict]).toEqual([name, { row_stable: true, unstable: [], ok: true }]);
  }
});
