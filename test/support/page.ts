/** The page of apps/browser: built, served, and used as a reader would. */

import type { Page } from "playwright-core";
import { build, preview } from "vite";

export interface ServedPage {
  readonly address: string;
  close(): Promise<void>;
}

/** Builds the page in `root` and serves what came out, with these headers. */
export async function servePage(root: string, headers: Record<string, string> = {}): Promise<ServedPage> {
  await build({ root, logLevel: "warn" });
  const server = await preview({
    root,
    logLevel: "warn",
    preview: { host: "127.0.0.1", port: 0, open: false, headers },
  });
  const address = server.resolvedUrls?.local[0];
  if (address === undefined) throw new Error("the preview server has no address");
  return { address, close: () => server.close() };
}

/** Opens the page on a device and gives its warnings, errors and failed requests, those to come included. */
export async function openStoryPage(page: Page, address: string, device: string): Promise<string[]> {
  page.setDefaultTimeout(120_000);
  const problems: string[] = [];
  const note = (text: string) => {
    // Models of today have no such file, which only asking for it shows.
    if (text.includes("/special_tokens_map.json")) return;
    // Chromium's own words where a page asks for a GPU and there is none.
    if (text.includes("Failed to create WebGPU Context Provider")) return;
    problems.push(text);
  };
  page.on("pageerror", (error) => note(String(error)));
  page.on("requestfailed", (request) => note(`no answer from ${request.url()}`));
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) note(`${message.text()} ${message.location().url}`);
  });
  page.on("response", (answer) => {
    if (answer.status() >= 400) note(`${answer.status()} ${answer.url()}`);
  });
  await page.goto(`${address}?device=${encodeURIComponent(device)}`);
  await settled(page);
  return problems;
}

/** Until a story has ended, or the model has been loaded; a failure is an error. */
export async function settled(page: Page): Promise<void> {
  await page.locator("body:is([data-state=ready], [data-state=failed])").waitFor({ state: "attached" });
  if ((await page.getAttribute("body", "data-state")) === "failed")
    throw new Error((await page.textContent("#status")) ?? "failed");
}

export const startStory = (page: Page): Promise<void> => page.click("#start");

/** The beginning and what follows on it, once it has ended. */
export async function readStory(page: Page): Promise<{ readonly prompt: string; readonly story: string }> {
  await settled(page);
  const prompt = (await page.textContent("#story b")) ?? "";
  const whole = (await page.textContent("#story")) ?? "";
  return { prompt, story: whole.slice(prompt.length) };
}
