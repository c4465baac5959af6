/** The library in the pages of a real browser: what crosses the network, and what runs beside a generation. */
import { join } from "node:path";
import type { BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { type Chromium, launchChromium } from "./support/chromium.ts";
import { workspace } from "./support/install.ts";
import type {} from "./support/library_page/main.ts";
import { randomLlama, SMALL, SMOLLM2 } from "./support/random_llama.ts";
import { ISOLATED, type Site, serveSite } from "./support/site.ts";

const WEIGHTS = "/small/model.safetensors";
const files = randomLlama(SMALL);
const SIZE = files["model.safetensors"]!.byteLength;

let site: Site;
let chromium: Chromium;
let context: BrowserContext;

beforeAll(async () => {
  const served = Object.entries({ small: files, smollm2: randomLlama(SMOLLM2) }).flatMap(([folder, own]) =>
    Object.entries(own).map(([name, bytes]) => [`/${folder}/${name}`, bytes] as const),
  );
  site = await serveSite(join(workspace, "test", "support", "library_page"), Object.fromEntries(served));
  chromium = await launchChromium();
});
afterAll(async () => {
  await chromium?.close();
  await site?.close();
});
beforeEach(async () => {
  site.sent.clear();
  site.cut = undefined;
  site.headers = { "Cache-Control": "no-store" };
  // A person who has not been here yet.
  context = await chromium.browser.newContext();
  context.setDefaultTimeout(120_000);
});
afterEach(() => context.close());

async function visit(): Promise<Page> {
  const page = await context.newPage();
  await page.goto(site.address);
  await page.locator("body[data-state=ready]").waitFor({ state: "attached" });
  return page;
}

/** Loads the model in a page that is closed afterwards, and gives the tokens it makes and what it has to say. */
async function load(options: { readonly cache?: boolean } = {}) {
  const page = await visit();
  try {
    return await page.evaluate(async (given) => {
      const { AutoModelForCausalLM } = globalThis.library;
      const model = await AutoModelForCausalLM.from_pretrained("./small", { device: "wasm", ...given });
      const { sequences } = await model.generate({ input_ids: [[1, 2, 3]] }, { max_new_tokens: 4 });
      const { notices } = model;
      await model.dispose();
      return { tokens: sequences, notices, held: model.runtime.engine.held().bytes };
    }, options);
  } finally {
    await page.close();
  }
}

test("the first visit downloads each byte once, the second none", async () => {
  const first = await load();
  expect(site.sent.get(WEIGHTS)).toBe(SIZE);
  expect(first).toMatchObject({ notices: [], held: 0 });
  site.sent.clear();
  expect(await load()).toEqual(first);
  expect(site.sent.get(WEIGHTS)).toBeUndefined();
  expect(site.sent.get("/small/config.json")).toBeUndefined();
});

test("without a cache each visit downloads each byte once", async () => {
  for (const _ of [1, 2]) {
    site.sent.clear();
    await load({ cache: false });
    expect(site.sent.get(WEIGHTS)).toBe(SIZE);
  }
});

test("a download that was cut off goes on where it ended", async () => {
  site.cut = { path: WEIGHTS, bytes: 20 * 2 ** 20 };
  await expect(load()).rejects.toThrow("cannot fetch");
  site.cut = undefined;
  site.sent.clear();
  await load();
  // The chunk that was under way is lost.
  expect(site.sent.get(WEIGHTS)).toBe(SIZE - 16 * 2 ** 20);
});

test("a site without room is told, and the model works", async () => {
  const page = await visit();
  const session = await context.newCDPSession(page);
  await session.send("Storage.overrideQuotaForOrigin", {
    origin: new URL(site.address).origin,
    quotaSize: 24e6,
  });
  const { notices, tokens } = await load();
  expect(site.sent.get(WEIGHTS)).toBe(SIZE);
  expect(tokens).toHaveLength(1);
  expect(notices).toEqual([expect.stringContaining("for the browser has no more room: ")]);
});

test("what is kept is listed and deleted", async () => {
  await load();
  const page = await visit();
  const name = `${site.address}small/`;
  const { before, deleted, after } = await page.evaluate(async (model) => {
    const { cache } = globalThis.library;
    return { before: await cache.list(), deleted: await cache.delete(model), after: await cache.list() };
  }, name);
  const bytes = SIZE + files["config.json"]!.byteLength;
  expect(before).toMatchObject([{ name, bytes }]);
  expect(deleted).toMatchObject({ name, bytes });
  expect(after).toEqual([]);
  site.sent.clear();
  await load();
  expect(site.sent.get(WEIGHTS)).toBe(SIZE);
});

test.each([
  ["in a worker", {}],
  ["in the page's own thread", { "Content-Security-Policy": "worker-src 'none'" }],
])("timers, messages and frames run during a whole generation %s", async (_, headers) => {
  site.headers = headers as Record<string, string>;
  const page = await visit();
  const counts = await page.evaluate(async () => {
    const { AutoModelForCausalLM } = globalThis.library;
    const model = await AutoModelForCausalLM.from_pretrained("./small", { device: "wasm" });
    await model.generate({ input_ids: [[1, 2, 3]] }, { max_new_tokens: 4, eos_token_id: null });
    const counts = { timers: 0, messages: 0, frames: 0 };
    let going = true;
    const { port1, port2 } = new MessageChannel();
    const timer = () => {
      counts.timers++;
      if (going) setTimeout(timer, 10);
    };
    const frame = () => {
      counts.frames++;
      if (going) requestAnimationFrame(frame);
    };
    port1.onmessage = () => {
      counts.messages++;
      if (going) port2.postMessage(0);
    };
    timer();
    frame();
    port2.postMessage(0);
    await model.generate({ input_ids: [[1, 2, 3]] }, { max_new_tokens: 200, eos_token_id: null });
    going = false;
    return counts;
  });
  // 200 steps take far longer than ten turns of 16 ms.
  expect(counts.timers).toBeGreaterThan(10);
  expect(counts.messages).toBeGreaterThan(10);
  expect(counts.frames).toBeGreaterThan(10);
});

test.each([
  ["isolated", ISOLATED, undefined],
  ["not isolated", {}, expect.stringContaining("1 of 2 threads: the page is not cross-origin isolated")],
])("the page waits for no part of a prompt of 1,000 tokens: %s", async (_, headers, notice) => {
  site.headers = headers;
  const page = await visit();
  const { longest, prompt, device_notice } = await page.evaluate(async () => {
    const { AutoModelForCausalLM } = globalThis.library;
    const model = await AutoModelForCausalLM.from_pretrained("./smollm2", { device: "wasm", threads: 2 });
    const tasks: number[] = [];
    const observer = new PerformanceObserver((list) => {
      for (const { duration } of list.getEntries()) tasks.push(duration);
    });
    observer.observe({ type: "longtask" });
    const input_ids = [Array.from({ length: 1000 }, (_, k) => 1 + 7 * k)];
    const started = performance.now();
    const { stats } = await model.generate({ input_ids }, { max_new_tokens: 2, eos_token_id: null });
    const prompt = performance.now() - started;
    // Tasks are told of a moment later.
    await new Promise((resolve) => setTimeout(resolve, 200));
    return { longest: Math.max(0, ...tasks), prompt, device_notice: stats.device_notice };
  });
  // In the page's own thread a chunk of 256 tokens is one task, a quarter of the whole.
  expect(longest).toBeLessThan(prompt / 16);
  expect(device_notice).toEqual(notice);
});

test("where a policy forbids the worker, the page's own thread runs the model and says so", async () => {
  site.headers = { "Content-Security-Policy": "worker-src 'none'" };
  const page = await visit();
  const { tokens, device_notice } = await page.evaluate(async () => {
    const { AutoModelForCausalLM } = globalThis.library;
    const model = await AutoModelForCausalLM.from_pretrained("./small", { device: "wasm" });
    const { sequences, stats } = await model.generate({ input_ids: [[1, 2, 3]] }, { max_new_tokens: 4 });
    return { tokens: sequences, device_notice: stats.device_notice };
  });
  site.headers = {};
  expect(tokens).toEqual((await load()).tokens);
  expect(device_notice).toMatch(/^the model runs in the page's own thread, .*Content-Security-Policy/);
});
