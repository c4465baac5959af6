import { mkdir, readdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { FusewireError } from "@fusewire/ir";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { HubOptions, HubProgress } from "../../hub/index.ts";
import { MODEL, newFolder, noise, QUICK, WEIGHTS } from "../testing/hub-fixture.ts";
import { type FakeHub, type Fault, sha256, startHub } from "../testing/hub-server.ts";
import { openHubModel } from "./index.ts";

const NAME = "model.safetensors";
const HASH = sha256(WEIGHTS);
const SIZE = WEIGHTS.byteLength;
const SOME = 100_000;

let hub: FakeHub;
let folder: Awaited<ReturnType<typeof newFolder>>;
let blobs: string;
beforeAll(async () => {
  hub = await startHub({ "org/tiny": MODEL });
});
afterAll(() => hub.close());
beforeEach(async () => {
  folder = await newFolder();
  blobs = join(folder.path, "models--org--tiny", "blobs");
  await mkdir(blobs, { recursive: true });
  hub.requests.length = 0;
  hub.faults.clear();
});
afterEach(() => folder.remove());

const fetchWeights = async (options: HubOptions = {}, transport = QUICK) => {
  const given = { cache_dir: folder.path, endpoint: hub.url, token: false, ...options } as const;
  const source = await (await openHubModel("org/tiny", given, transport)).open(NAME);
  await source?.close();
};
const ranges = () => hub.requests.filter(({ host }) => host === "cdn").map(({ range }) => range);
const isRight = async () => (await readFile(join(blobs, HASH))).equals(WEIGHTS);
const partial = () => join(blobs, `${HASH}.incomplete`);

describe("a partial file", () => {
  test("is gone on with: only the rest is asked", async () => {
    await writeFile(partial(), WEIGHTS.subarray(0, SOME));
    const events: HubProgress[] = [];
    await fetchWeights({ progress_callback: (event) => events.push(event) });
    expect(ranges()).toEqual([`bytes=${SOME}-`]);
    expect(events[0]).toEqual({ file: NAME, loaded: SOME, total: SIZE, status: "download" });
    expect(await isRight()).toBe(true);
    expect(await readdir(blobs)).toEqual([HASH]);
  });

  test.each<[string, Uint8Array, Fault[], (string | undefined)[]]>([
    ["that is whole needs no request", WEIGHTS, [], []],
    [
      "starts again where the server ignores ranges",
      WEIGHTS.subarray(0, SOME),
      [{ ignoreRange: true }],
      [`bytes=${SOME}-`],
    ],
    ["with wrong bytes is dropped in the end", noise(SOME, 9), [], [`bytes=${SOME}-`, undefined]],
    ["that is too long is dropped at once", noise(SIZE + 1, 9), [], [undefined]],
  ])("%s", async (_, bytes, faults, asked) => {
    await writeFile(partial(), bytes);
    hub.faults.set(NAME, faults);
    await fetchWeights();
    expect(ranges()).toEqual(asked);
    expect(await isRight()).toBe(true);
  });

  test("belongs to an entity tag: another one brings the whole file", async () => {
    hub.faults.set(NAME, [{ cutAfter: SOME, etag: '"first"' }]);
    await expect(fetchWeights({}, { ...QUICK, attempts: 1 })).rejects.toThrow("cannot get 'org/tiny'");
    await fetchWeights();
    const seen = hub.requests.filter(({ host }) => host === "cdn");
    expect(seen.map(({ ifRange }) => ifRange)).toEqual([undefined, '"first"']);
    expect(seen[1]?.range).toMatch(/^bytes=\d+-$/);
    expect(await isRight()).toBe(true);
  });

  test("is kept for the next run where another range than the asked one comes", async () => {
    await writeFile(partial(), WEIGHTS.subarray(0, SOME));
    hub.faults.set(NAME, [{ startAt: SOME + 1 }]);
    await expect(fetchWeights()).rejects.toThrow(
      `bytes from ${SOME + 1} of ${NAME} where those from ${SOME}`,
    );
    expect((await readFile(partial())).byteLength).toBe(SOME);
  });
});

describe("a bad network", () => {
  test("each cut goes on where it was, as long as something arrives", async () => {
    hub.faults.set(
      NAME,
      Array.from({ length: 6 }, () => ({ cutAfter: 40_000 })),
    );
    await fetchWeights();
    expect(ranges()).toHaveLength(7);
    const starts = ranges().map((range) => Number(/\d+/.exec(range ?? "0")?.[0]));
    expect(starts).toEqual([...starts].sort((a, b) => a - b));
    expect(starts.at(-1), "a cut may lose what was on its way").toBeGreaterThan(100_000);
    expect(await isRight()).toBe(true);
  });

  test.each<[string, Fault]>([
    ["503", { status: 503 }],
    ["429", { status: 429, headers: { "retry-after": "0.01" } }],
    ["silence", { silent: true }],
    ["silence amid the answer", { slowMs: 400 }],
    ["a cut before the answer", { cutAfter: 0 }],
  ])("%s passes", async (_, fault) => {
    hub.faults.set(NAME, [fault, fault]);
    await fetchWeights();
    expect(ranges()).toHaveLength(3);
    expect(await isRight()).toBe(true);
  });

  test.each<[string, Fault, string]>([
    ["503", { status: 503 }, "the server answers 503"],
    ["silence", { silent: true }, "no data for 0.2 s"],
    ["cuts without a new byte", { cutAfter: SOME, ignoreRange: true }, "; check the network and try again"],
  ])("%s is given up after some attempts without progress", async (_, fault, reason) => {
    hub.faults.set(
      NAME,
      Array.from({ length: 20 }, () => fault),
    );
    const failure = fetchWeights();
    await expect(failure).rejects.toThrow(/^cannot get 'org\/tiny' from http/);
    await expect(failure).rejects.toThrow(reason);
    await expect(failure).rejects.toBeInstanceOf(FusewireError);
    expect(ranges()).toHaveLength(QUICK.attempts);
  });

  test.each([401, 403, 404])("%d is not tried again", async (status) => {
    hub.faults.set(NAME, [{ status }]);
    await expect(fetchWeights()).rejects.toBeInstanceOf(FusewireError);
    expect(ranges()).toHaveLength(1);
  });
});

describe("wrong bytes", () => {
  test("once: fetched again", async () => {
    hub.faults.set(NAME, [{ bytes: noise(SIZE, 5) }]);
    await fetchWeights();
    expect(ranges()).toEqual([undefined, undefined]);
    expect(await isRight()).toBe(true);
  });

  test("twice: an error, and nothing is kept", async () => {
    hub.faults.set(NAME, [{ bytes: noise(SIZE, 5) }, { bytes: noise(SIZE, 6) }]);
    await expect(fetchWeights()).rejects.toThrow(
      `${NAME} of 'org/tiny' does not have the hash that the hub states, downloaded twice`,
    );
    expect(await readdir(blobs)).toEqual([]);
    await fetchWeights();
    expect(await isRight()).toBe(true);
  });

  test("more of them than stated: an error", async () => {
    hub.faults.set(NAME, [{ bytes: noise(SIZE + 1, 5) }]);
    await expect(fetchWeights()).rejects.toThrow(`longer than the ${SIZE} bytes that the hub states`);
  });
});

// A device that is always full stands for a full disk.
test.runIf(process.platform === "linux")("a full disk is named, with what to do", async () => {
  await symlink("/dev/full", partial());
  const failure = fetchWeights();
  await expect(failure).rejects.toThrow(/^the disk is full: cannot write .*cache_dir or HF_HUB_CACHE/);
  await expect(failure).rejects.toBeInstanceOf(FusewireError);
});
