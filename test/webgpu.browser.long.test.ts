/** The WebGPU engine in a real browser, where its kernels go through another process and its device has no Node. */
import { join } from "node:path";
import type { SelfTest } from "@fusewire/passes";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Chromium, launchChromium, SOFTWARE_WEBGPU } from "./support/chromium.ts";
import { workspace } from "./support/install.ts";
import { type ServedPage, servePage } from "./support/page.ts";

let site: ServedPage;
let chromium: Chromium;

beforeAll(async () => {
  site = await servePage(join(workspace, "test", "support", "webgpu_page"));
  chromium = await launchChromium(SOFTWARE_WEBGPU);
});

afterAll(async () => {
  await chromium?.close();
  await site?.close();
});

test("kernels compute in Chromium what the interpreter does, rows bit for bit", async () => {
  const page = await chromium.browser.newPage();
  page.setDefaultTimeout(300_000);
  await page.goto(site.address);
  await page.locator("body[data-state]").waitFor({ state: "attached" });
  const result = JSON.parse((await page.textContent("#result"))!) as { tests: SelfTest[] } | string;
  if (typeof result === "string") throw new Error(result);
  // The variants of a software adapter, of which the usual one comes first.
  expect(result.tests).toHaveLength(3);
  expect(result.tests[0]!.row_stable).toBe(true);
  for (const { ok, results } of result.tests) {
    expect(results.filter((one) => !one.ok)).toEqual([]);
    expect(ok).toBe(true);
  }
});
