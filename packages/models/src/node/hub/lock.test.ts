import { readdir, utimes, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { newFolder } from "../testing/hub-fixture.ts";
import { type LockTimes, withLock } from "./lock.ts";

const TIMES: LockTimes = { pollMs: 5, beatMs: 20, staleMs: 100 };

let folder: Awaited<ReturnType<typeof newFolder>>;
let path: string;
beforeEach(async () => {
  folder = await newFolder();
  path = join(folder.path, "locks", "a.lock");
});
afterEach(() => folder.remove());

const lock = <T>(run: () => Promise<T>, onWait?: () => void, signal?: AbortSignal) =>
  withLock(path, run, onWait, signal, TIMES);

test("one at a time, each in the end, and no lock stays", async () => {
  let inside = 0;
  let most = 0;
  const work = async () => {
    most = Math.max(most, ++inside);
    await sleep(3);
    return inside--;
  };
  await Promise.all(Array.from({ length: 8 }, () => lock(work)));
  expect(most).toBe(1);
  await expect(lock(() => Promise.reject(new Error("inside")))).rejects.toThrow("inside");
  expect(await readdir(join(folder.path, "locks"))).toEqual([]);
});

test("a holder that works for long is waited for", async () => {
  const order: string[] = [];
  const first = lock(async () => {
    await sleep(3 * TIMES.staleMs);
    order.push("first");
  });
  await sleep(20);
  await lock(
    async () => void order.push("second"),
    () => order.push("waits"),
  );
  await first;
  expect(order).toEqual(["waits", "first", "second"]);
});

test.each([
  ["a dead process of this machine", { pid: 2 ** 22 + 1, host: hostname() }, 0, false],
  ["a process of another machine that shows no life", { pid: 1, host: "elsewhere" }, 1000, true],
])("the lock of %s is taken over", async (_, owner, age) => {
  await lock(async () => {});
  await writeFile(path, JSON.stringify(owner));
  const then = new Date(Date.now() - age);
  await utimes(path, then, then);
  let waited = false;
  await lock(
    async () => {},
    () => {
      waited = true;
    },
  );
  expect(waited).toBe(false);
});

test("waiting can be stopped", async () => {
  const stop = new AbortController();
  const holder = lock(() => sleep(60));
  await sleep(10);
  await expect(
    lock(
      async () => {},
      () => stop.abort(new Error("enough")),
      stop.signal,
    ),
  ).rejects.toThrow("enough");
  await holder;
});
