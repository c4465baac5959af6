import { open } from "node:fs/promises";
import { join } from "node:path";
import type { FusewireError } from "@fusewire/ir";
import {
  type HubClient,
  type HubFile,
  type HubProgress,
  type HubTree,
  isSha1,
  notCachedError,
} from "../../hub/index.ts";
import { readError, statFile } from "./disk.ts";
import { downloadBlob, type Report } from "./download.ts";
import { hasHash } from "./hash.ts";
import { withLock } from "./lock.ts";
import {
  blobPath,
  isPlaced,
  isWritable,
  linkedHash,
  placeBlob,
  type RepoStore,
  readNote,
  snapshotPath,
  writeNote,
  writeRef,
} from "./store.ts";

/** One commit of one model, in the cache and perhaps on the hub. */
export interface HubSession {
  readonly client: HubClient;
  readonly store: RepoStore;
  readonly commit: string;
  /** What the commit holds; unknown offline where only an older Python filled the cache. */
  readonly tree: HubTree | undefined;
  /** Why nothing may be downloaded, or undefined where it may. */
  readonly offline: string | undefined;
  readonly onProgress: ((event: HubProgress) => void) | undefined;
}

/** How far to trust a cached file whose size is right: `noted` believes an earlier check of this very file. */
export type Trust = "noted" | "nothing";

/** Where a file is now, and whether it had to be downloaded for that. */
export interface Ensured {
  readonly path: string;
  readonly fetched: boolean;
}

/** Makes sure that a file is in the cache and right, downloading it where it is not. Undefined: there is no such file. */
export async function ensureFile(
  session: HubSession,
  name: string,
  trust: Trust = "noted",
): Promise<Ensured | undefined> {
  const { store, commit, tree } = session;
  const path = snapshotPath(store, commit, name);
  const file = tree ? tree.get(name) : await fileOfLink(path, name);
  // A plain file of a cache without links and tree: there is nothing to check it with.
  if (!file) return !tree && (await statFile(path)) ? { path, fetched: false } : undefined;
  const report = reporter(session, file);
  const sound = await isSound(session, path, file, trust, report);
  const fetched = !sound && (await ensureBlob(session, file, trust, report));
  if (!sound) await show(session, file, path);
  await writeRef(store, session.client.revision, commit);
  report(fetched ? "done" : "cached", file.size);
  return { path, fetched };
}

/** Makes sure of the blob; true if it was downloaded by this call. */
async function ensureBlob(
  session: HubSession,
  file: HubFile,
  trust: Trust,
  report: Report,
): Promise<boolean> {
  const { store, commit, client, offline } = session;
  const isThere = () => isSound(session, blobPath(store, file.hash), file, trust, report);
  if (offline !== undefined) {
    if (await isThere()) return false;
    throw await missing(session, file, offline);
  }
  return withLock(
    join(store.locks, `${file.hash}.fusewire.lock`),
    async () => {
      if (await isThere()) return false;
      await downloadBlob(client, store, commit, file, report);
      return true;
    },
    () => report("wait", 0),
    client.signal,
  );
}

/** Lets the snapshot show the blob, and notes that what it shows has been checked. */
async function show({ store, commit }: HubSession, file: HubFile, path: string): Promise<void> {
  if (!(await isPlaced(file.hash, path))) await placeBlob(store, file.hash, commit, file.name);
  const placed = await statFile(path);
  if (placed) await writeNote(store, file.hash, placed);
}

/** A file of a cache whose tree is unknown: its link names the hash, the file itself states the size. */
async function fileOfLink(path: string, name: string): Promise<HubFile | undefined> {
  const hash = await linkedHash(path);
  const info = hash === undefined ? undefined : await statFile(path);
  if (hash === undefined || !info) return undefined;
  return { name, size: info.size, hash, blobId: isSha1(hash) ? hash : "" };
}

/** Whether the file is there with the size and, unless a check of it is noted, the hash that it should have. */
async function isSound(
  session: HubSession,
  path: string,
  file: HubFile,
  trust: Trust,
  report: Report,
): Promise<boolean> {
  const { store, client } = session;
  const found = await statFile(path);
  if (found?.size !== file.size) return false;
  if (trust === "noted") {
    const note = await readNote(store, file.hash);
    if (note.size === found.size && note.mtimeMs === found.mtimeMs) return true;
    if (!(await isWritable(store))) return true;
  }
  const handle = await open(path).catch((error) => {
    throw readError(path, error);
  });
  try {
    const right = await hasHash(handle, file.size, file.hash, (n) => report("verify", n), client.signal);
    await writeNote(store, file.hash, right ? found : {});
    return right;
  } finally {
    await handle.close();
  }
}

async function missing(session: HubSession, file: HubFile, reason: string): Promise<FusewireError> {
  const { client, store, commit } = session;
  const found = await statFile(snapshotPath(store, commit, file.name));
  if (!found)
    return notCachedError(client, `${file.name} of '${client.name}'`, `'${store.cacheDir}'`, reason);
  return notCachedError(
    client,
    `a sound ${file.name} of '${client.name}' (the cached one is damaged)`,
    `'${store.cacheDir}'`,
    reason,
  );
}

const SHORTEST_GAP_MS = 100;

/** Tells of changes at once, and of mere progress a few times a second. */
function reporter(session: HubSession, { name, size }: HubFile): Report {
  let lastStatus: HubProgress["status"] | undefined;
  let lastTime = 0;
  return (status, loaded) => {
    const now = Date.now();
    if (status === lastStatus && loaded < size && now - lastTime < SHORTEST_GAP_MS) return;
    lastStatus = status;
    lastTime = now;
    session.onProgress?.({ file: name, loaded, total: size, status });
  };
}
