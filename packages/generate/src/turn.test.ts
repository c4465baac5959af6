import { afterEach, expect, test, vi } from "vitest";
import { createTurns } from "./turn.ts";

afterEach(() => vi.unstubAllGlobals());

/** Computes for longer than a turn may be away. */
function compute(): void {
  const end = performance.now() + 20;
  while (performance.now() < end);
}

test.each([
  ["Node", {}],
  ["a page", { setImmediate: undefined }],
  [
    "a page with a scheduler, whose continuations go first",
    { setImmediate: undefined, scheduler: { yield: async () => {} } },
  ],
])("timers run while a loop computes: %s", async (_, globals) => {
  for (const [name, value] of Object.entries(globals)) vi.stubGlobal(name, value);
  const giveTurn = createTurns();
  let fired = false;
  setTimeout(() => {
    fired = true;
  });
  // A timer that is due need not be the first to run.
  for (let step = 0; step < 20 && !fired; step++) {
    compute();
    await giveTurn();
  }
  expect(fired).toBe(true);
});
