import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { OPTIONS, storyOptions } from "../apps/browser/src/options.ts";
import { type Chromium, launchChromium } from "./support/chromium.ts";
import { workspace } from "./support/install.ts";
import { openStoryPage, readStory, type ServedPage, servePage, settled, startStory } from "./support/page.ts";
import { serveSite } from "./support/site.ts";
import { tell } from "./support/story.ts";

let site: ServedPage;
let chromium: Chromium;
let page: Page;

beforeAll(async () => {
  site = await servePage(join(workspace, "apps", "browser"));
  chromium = await launchChromium();
  page = await chromium.browser.newPage();
});

afterAll(async () => {
  await chromium?.close();
  await site?.close();
});

test.each(["auto", "eager:wasm"])("a page tells on %s the story that Node tells", async (device) => {
  const problems = await openStoryPage(page, site.address, device);
  await page.evaluate(() => {
    const story = document.getElementById("story")!;
    story.dataset.pieces = "0";
    new MutationObserver((changes) => {
      story.dataset.pieces = `${Number(story.dataset.pieces) + changes.length}`;
    }).observe(story, { childList: true });
  });
  await startStory(page);
  const { prompt, story } = await readStory(page);
  expect(story).toBe(await tell(prompt, OPTIONS));
  expect(Number(await page.getAttribute("#story", "data-pieces"))).toBeGreaterThan(20);
  expect(await page.textContent("#status")).toMatch(/^\d+ tokens, [\d.]+ a second$/);
  expect(problems).toEqual([]);
});

test("Stop stops, and the next story is another one, whole", async () => {
  const problems = await openStoryPage(page, site.address, "eager:wasm");
  await page.evaluate(() => {
    const story = document.getElementById("story")!;
    new MutationObserver((_changes, observer) => {
      if (story.textContent.length < 100) return;
      document.getElementById("stop")!.click();
      observer.disconnect();
    }).observe(story, { childList: true });
  });
  await startStory(page);
  await settled(page);
  expect(await page.textContent("#status")).toBe("Stopped");
  const { prompt, story } = await readStory(page);
  const whole = await tell(prompt, OPTIONS);
  expect(whole.startsWith(story)).toBe(true);
  expect(story.length).toBeLessThan(whole.length / 2);
  await startStory(page);
  expect(await readStory(page)).toEqual({ prompt, story: await tell(prompt, storyOptions(1)) });
  expect(await page.textContent("#status")).toMatch(/, seed 1$/);
  expect(problems).toEqual([]);
});

test.each([
  ["a phone", 360, 640],
  ["a desktop", 1440, 900],
])("nothing is wider than %s", async (_screen, width, height) => {
  await page.setViewportSize({ width, height });
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width);
});

test("Enter tells, and after an error Tell is there again", async () => {
  await page.route("**/model.safetensors", (route) => route.abort());
  await expect(openStoryPage(page, site.address, "wasm")).rejects.toThrow("cannot fetch");
  await page.unroute("**/model.safetensors");
  await page.press("#prompt", "Enter");
  await page.locator("#story").waitFor();
  const { prompt, story } = await readStory(page);
  expect(story).toBe(await tell(prompt, OPTIONS));
});

test("the page is isolated by its headers, or by a service worker where a host sets none", async () => {
  const isIsolated = () => page.evaluate(() => crossOriginIsolated);
  await openStoryPage(page, site.address, "wasm");
  expect(await isIsolated()).toBe(true);
  const plain = await serveSite(join(workspace, "apps", "browser"), {});
  try {
    await page.goto(`${plain.address}?device=wasm`);
    await page.waitForFunction(() => crossOriginIsolated);
    await settled(page);
    await startStory(page);
    expect((await readStory(page)).story.length).toBeGreaterThan(100);
  } finally {
    await plain.close();
  }
});

test("opened from a disk, the page says why it cannot run", async () => {
  await page.goto(pathToFileURL(join(workspace, "apps", "browser", "dist", "index.html")).href);
  expect(await page.textContent("#status")).toContain("browsers load its parts from a web server only");
});

test("an engine that there is not is said in the page", async () => {
  await expect(openStoryPage(page, site.address, "abacus")).rejects.toThrow("unknown device 'abacus'");
});
