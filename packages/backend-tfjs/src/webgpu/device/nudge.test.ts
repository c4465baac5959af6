import { expect, test } from "vitest";
import { isGecko } from "../platform/browser_gpu.ts";
import { nudged } from "./nudge.ts";

/** A queue that looks at its work only when something is submitted, and is done the third time. */
function sleepy() {
  let submits = 0;
  let settle: () => void = () => undefined;
  const work = new Promise<void>((resolve) => {
    settle = resolve;
  });
  const submit = () => {
    submits += 1;
    if (submits === 3) settle();
  };
  return { queue: { submit }, work, submits: () => submits };
}

test("a queue that looks at submits alone is nudged until its work is done, and no longer", async () => {
  const { queue, work, submits } = sleepy();
  expect(
    await nudged(
      queue,
      work.then(() => 7),
    ),
  ).toBe(7);
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(submits()).toBe(3);
});

test("work that fails ends the nudging too, with its error", async () => {
  const { queue, work, submits } = sleepy();
  const failing = work.then(() => Promise.reject(new Error("lost")));
  await expect(nudged(queue, failing)).rejects.toThrow("lost");
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(submits()).toBe(3);
});

test.each([
  ["Mozilla/5.0 (X11; Linux x86_64; rv:160.0) Gecko/20100101 Firefox/160.0", true],
  [
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/157.0.0.0 Safari/537.36",
    false,
  ],
  ["Mozilla/5.0 (Macintosh) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/27.2 Safari/605.1.15", false],
])("%s is Firefox: %s", (userAgent, expected) => {
  expect(isGecko(userAgent)).toBe(expected);
});
