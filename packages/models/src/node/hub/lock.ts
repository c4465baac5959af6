import { randomUUID } from "node:crypto";
import { mkdir, open, readFile, rename, rm, stat, utimes } from "node:fs/promises";
import { hostname } from "node:os";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { codeOf, diskError } from "./disk.ts";

/** How patient locks are. */
export interface LockTimes {
  /** Between two looks at a lock that another holds. */
  readonly pollMs: number;
  /** Between two signs of life of the holder. */
  readonly beatMs: number;
  /** Without a sign of life for so long, a holder on another machine counts as dead. */
  readonly staleMs: number;
}

export const LOCK_TIMES: LockTimes = { pollMs: 200, beatMs: 5_000, staleMs: 30_000 };

/**
 * Runs while no other process of ours does, for one path. A lock of a killed process is taken over.
 *
 * A lock saves work and is not what keeps files right: two writers of one blob write the same bytes to the same places,
 * and what they make is checked. So the rare double take-over is allowed. Python's flock on files of the same folder
 * is out of Node's reach; its current versions write to names of their own.
 */
export async function withLock<T>(
  path: string,
  run: () => Promise<T>,
  onWait: () => void = () => {},
  signal?: AbortSignal,
  times: LockTimes = LOCK_TIMES,
): Promise<T> {
  const owner = JSON.stringify({ pid: process.pid, host: hostname(), id: randomUUID() });
  let told = false;
  while (!(await tryTake(path, owner))) {
    if (await isStale(path, times.staleMs)) {
      // Renamed first, so that of several that found it stale one removes it.
      const aside = `${path}.${randomUUID().slice(0, 8)}.stale`;
      await rename(path, aside).then(
        () => rm(aside, { force: true }),
        () => {},
      );
      continue;
    }
    if (!told) onWait();
    told = true;
    await sleep(times.pollMs, undefined, signal ? { signal } : {}).catch(() => signal?.throwIfAborted());
  }
  const beat = setInterval(() => {
    const now = new Date();
    utimes(path, now, now).catch(() => {});
  }, times.beatMs);
  beat.unref();
  try {
    return await run();
  } finally {
    clearInterval(beat);
    const mine = (await readFile(path, "utf8").catch(() => "")) === owner;
    if (mine) await rm(path, { force: true }).catch(() => {});
  }
}

async function tryTake(path: string, owner: string): Promise<boolean> {
  try {
    await mkdir(dirname(path), { recursive: true });
    const handle = await open(path, "wx");
    await handle.writeFile(owner).finally(() => handle.close());
    return true;
  } catch (error) {
    if (codeOf(error) === "EEXIST") return false;
    throw diskError(path, error);
  }
}

async function isStale(path: string, staleMs: number): Promise<boolean> {
  const info = await stat(path).catch(() => undefined);
  // Gone again: not stale, free.
  if (!info) return false;
  if (Date.now() - info.mtimeMs > staleMs) return true;
  const { pid, host } = parseOwner(await readFile(path, "utf8").catch(() => ""));
  return host === hostname() && pid !== undefined && !isAlive(pid);
}

function parseOwner(text: string): { pid?: number; host?: string } {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? value : {};
  } catch {
    // Made a moment ago and not yet written.
    return {};
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return codeOf(error) === "EPERM";
  }
}
