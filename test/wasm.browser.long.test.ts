/** The wasm engine in a real browser: on threads where the page is cross-origin isolated, on one with a reason where it is not. */
import { join } from "node:path";
import type { WasmFacts } from "@fusewire/backend-wasm";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Chromium, launchChromium } from "./support/chromium.ts";
import { workspace } from "./support/install.ts";
import { servePage } from "./support/page.ts";

let chromium: Chromium;

beforeAll(async () => {
  chromium = await launchChromium();
});

afterAll(() => chromium?.close());

/** What the engine's self-test in a worker of the page says. */
async function selfTest(headers: Record<string, string>): Promise<{ isolated: boolean; facts: WasmFacts }> {
  const site = await servePage(join(workspace, "test", "support", "wasm_page"), headers);
  try {
    const page = await chromium.browser.newPage();
    page.setDefaultTimeout(300_000);
    await page.goto(site.address);
    await page.locator("body[data-state]").waitFor({ state: "attached" });
    const text = (await page.textContent("#result"))!;
    if ((await page.getAttribute("body", "data-state")) === "failed") throw new Error(text);
    return JSON.parse(text) as { isolated: boolean; facts: WasmFacts };
  } finally {
    await site.close();
  }
}

const ISOLATED = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
};

test.each([
  {
    page: "isolated: two threads",
    headers: ISOLATED,
    isolated: true,
    threads: 2,
    reason: undefined,
  },
  {
    page: "isolated, with a policy against workers from blobs: one thread, and the reason",
    headers: { ...ISOLATED, "Content-Security-Policy": "worker-src 'self'" },
    isolated: true,
    threads: 1,
    reason: /^1 of 2 threads: .*Content-Security-Policy must allow them \(worker-src blob:/,
  },
  {
    page: "not isolated: one thread, and the reason",
    headers: {},
    isolated: false,
    threads: 1,
    reason: /^1 of 2 threads: the page is not cross-origin isolated/,
  },
])("a page that is $page; rows bit for bit", async ({ headers, isolated, threads, reason }) => {
  const { isolated: found, facts } = await selfTest(headers as Record<string, string>);
  expect([found, facts.threads]).toEqual([isolated, threads]);
  if (reason) expect(facts.threads_reason).toMatch(reason);
  else expect(facts.threads_reason).toBeUndefined();
  // Chromium has relaxed SIMD; both ways are tried.
  expect(Object.keys(facts.tests).sort()).toEqual(["base", "relaxed"]);
  for (const { ok, row_stable, results } of Object.values(facts.tests)) {
    expect(results.filter((one) => !one.ok)).toEqual([]);
    expect([ok, row_stable]).toEqual([true, true]);
  }
});
