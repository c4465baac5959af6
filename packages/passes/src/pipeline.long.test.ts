import fc from "fast-check";
import { test } from "vitest";
import { everyPassProperty } from "./testing/every_pass.ts";

test("10,000 models and random graphs stay valid and mean the same after every pass", () => {
  fc.assert(everyPassProperty, { numRuns: 10_000 });
});
