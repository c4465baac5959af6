import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import type { HubProgress } from "../../hub/index.ts";
import { MODEL, newFolder, WEIGHTS } from "../testing/hub-fixture.ts";
import { type FakeHub, sha256, startHub } from "../testing/hub-server.ts";
import { openHubModel } from "./index.ts";

const NAME = "model.safetensors";
const HASH = sha256(WEIGHTS);
const CHILD = fileURLToPath(new URL("./testing/download-child.ts", import.meta.url));

let hub: FakeHub;
let folder: Awaited<ReturnType<typeof newFolder>>;
let blobs: string;
beforeAll(async () => {
  hub = await startHub({ "org/tiny": MODEL });
  folder = await newFolder();
});
afterAll(async () => {
  await hub.close();
  await folder.remove();
});
let runs = 0;
let cache: string;
beforeEach(() => {
  cache = join(folder.path, String(runs++));
  blobs = join(cache, "models--org--tiny", "blobs");
  hub.requests.length = 0;
  hub.faults.clear();
});

/** A process that downloads the model, and the lines that it has printed. */
function start(): { child: ChildProcess; lines: string[]; exit: Promise<unknown[]> } {
  const lines: string[] = [];
  const child = spawn(process.execPath, ["--import", "tsx", CHILD, "org/tiny", cache, hub.url]);
  child.stdout.on("data", (data) => lines.push(...String(data).trim().split("\n")));
  child.stderr.on("data", (data) => lines.push(String(data)));
  return { child, lines, exit: once(child, "exit") };
}

const requests = () => hub.requests.filter(({ host }) => host === "cdn");
const expectRight = async () =>
  expect((await readFile(join(blobs, HASH))).equals(WEIGHTS), "the blob is right").toBe(true);

test("a process that is killed amid a download loses nothing: the next one asks for the rest", async () => {
  hub.faults.set(NAME, [{ slowMs: 40 }]);
  const first = start();
  const partial = join(blobs, `${HASH}.incomplete`);
  const arrived = async () => (await stat(partial).catch(() => undefined))?.size ?? 0;
  await expect.poll(arrived, { interval: 5 }).toBeGreaterThan(50_000);
  first.child.kill("SIGKILL");
  await first.exit;
  const kept = await arrived();
  expect(kept).toBeLessThan(WEIGHTS.byteLength);
  hub.requests.length = 0;

  const second = start();
  expect(await second.exit, second.lines.join("\n")).toEqual([0, null]);
  expect(requests().map(({ range, ifRange }) => [range, ifRange])).toEqual([[`bytes=${kept}-`, `"${HASH}"`]]);
  await expectRight();
  expect((await readdir(blobs)).filter((name) => name.endsWith(".incomplete"))).toEqual([]);
  expect(second.lines, "the dead process's lock is taken over at once").not.toContain(`wait ${NAME} 0`);
});

test("of two processes one downloads, and the other waits for it", async () => {
  hub.faults.set(NAME, [{ slowMs: 40 }]);
  const other = start();
  await expect.poll(() => requests().length, { interval: 5 }).toBe(1);
  const events: HubProgress[] = [];
  const options = { cache_dir: cache, endpoint: hub.url, token: false } as const;
  const progress_callback = (event: HubProgress) => events.push(event);
  await (await openHubModel("org/tiny", { ...options, progress_callback })).download();
  const mine = events.filter(({ file }) => file === NAME).map(({ status }) => status);
  expect(mine).toEqual(["wait", "cached"]);
  expect(await other.exit, other.lines.join("\n")).toEqual([0, null]);
  expect(requests()).toHaveLength(1);
  await expectRight();
});
