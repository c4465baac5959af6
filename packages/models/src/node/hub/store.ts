import { constants } from "node:fs";
import {
  access,
  copyFile,
  link,
  lstat,
  mkdir,
  readdir,
  readFile,
  readlink,
  rename,
  symlink,
} from "node:fs/promises";
import { basename, dirname, join, relative } from "node:path";
import { decodeTree, encodeTree, type HubTree, isCommit, isSha1, isSha256 } from "../../hub/index.ts";
import { replaceFile, replaceText } from "./disk.ts";

/** One model in Hugging Face's shared cache: paths, and nothing that knows of networks. */
export interface RepoStore {
  readonly cacheDir: string;
  /** `models--owner--name` */
  readonly root: string;
  readonly locks: string;
}

/** What is known of a blob beyond its name, kept beside the cache's own folders. */
export interface BlobNote {
  /** The entity tag of the answer that a partial file came from. */
  readonly etag?: string;
  /** Size and time of the file whose hash was right: while they stay, it need not be hashed again. */
  readonly size?: number;
  readonly mtimeMs?: number;
}

/** The place of a model in the cache; nothing is made yet. */
export async function repoStore(cacheDir: string, name: string): Promise<RepoStore> {
  const { getRepoFolderName } = await import("@huggingface/hub");
  const folder = getRepoFolderName({ type: "model", name });
  return { cacheDir, root: join(cacheDir, folder), locks: join(cacheDir, ".locks", folder) };
}

export const blobPath = (store: RepoStore, hash: string): string => join(store.root, "blobs", hash);
export const partialPath = (store: RepoStore, hash: string): string => `${blobPath(store, hash)}.incomplete`;
export const snapshotPath = (store: RepoStore, commit: string, name = ""): string =>
  join(store.root, "snapshots", commit, name);

/** The commit that the revision meant when it was last asked, or undefined. */
export async function readRef(store: RepoStore, revision: string): Promise<string | undefined> {
  if (isCommit(revision)) return revision;
  const text = await readFile(join(store.root, "refs", revision), "utf8").catch(() => "");
  return isCommit(text.trim()) ? text.trim() : undefined;
}

// Refs, trees and notes save questions and work; files can be used without them. So a failure to write one (a read-only
// cache, a full disk) is no error.
const tryReplace = (path: string, text: string): Promise<void> => replaceText(path, text).catch(() => {});

/** Notes what a branch or tag means now. */
export async function writeRef(store: RepoStore, revision: string, commit: string): Promise<void> {
  if ((await readRef(store, revision)) !== commit)
    await tryReplace(join(store.root, "refs", revision), commit);
}

const treePath = (store: RepoStore, commit: string): string => join(store.root, "trees", `${commit}.json`);

export async function readTree(store: RepoStore, commit: string): Promise<HubTree | undefined> {
  const text = await readFile(treePath(store, commit), "utf8").catch(() => undefined);
  return text === undefined ? undefined : decodeTree(text);
}

export const writeTree = (store: RepoStore, commit: string, tree: HubTree): Promise<void> =>
  tryReplace(treePath(store, commit), encodeTree(tree));

const notePath = (store: RepoStore, hash: string): string => join(store.root, ".fusewire", `${hash}.json`);

export async function readNote(store: RepoStore, hash: string): Promise<BlobNote> {
  try {
    const note: unknown = JSON.parse(await readFile(notePath(store, hash), "utf8"));
    return typeof note === "object" && note !== null ? note : {};
  } catch {
    return {};
  }
}

export const writeNote = (store: RepoStore, hash: string, note: BlobNote): Promise<void> =>
  tryReplace(notePath(store, hash), JSON.stringify(note));

/** Whether notes can be kept; in a read-only cache each check would be made again each time. */
export const isWritable = (store: RepoStore): Promise<boolean> =>
  access(store.root, constants.W_OK).then(
    () => true,
    () => false,
  );

/**
 * The hash that the name of a snapshot's blob states. Only the first link is followed: newer caches make blobs
 * links as well, to a store that several models share and that names files in another way.
 */
export async function linkedHash(path: string): Promise<string | undefined> {
  const target = await readlink(path).catch(() => undefined);
  const name = target === undefined ? "" : basename(target);
  return isSha1(name) || isSha256(name) ? name : undefined;
}

/** The system calls that place a blob, best first; tests give others. */
export const PLACERS: readonly ((blob: string, at: string) => Promise<void>)[] = [
  (blob, at) => symlink(relative(dirname(at), blob), at),
  (blob, at) => link(blob, at),
  (blob, at) => copyFile(blob, at, constants.COPYFILE_FICLONE),
];

/** The names in one folder of a commit, as far as it is cached. */
export const cachedNames = (store: RepoStore, commit: string, folder = ""): Promise<string[]> =>
  readdir(snapshotPath(store, commit, folder)).catch(() => []);

/** Puts a blob into a snapshot: as a relative link, a hard link where that fails (Windows), a copy where both do. */
export async function placeBlob(
  store: RepoStore,
  hash: string,
  commit: string,
  name: string,
  placers = PLACERS,
): Promise<void> {
  const blob = blobPath(store, hash);
  const path = snapshotPath(store, commit, name);
  for (const [i, place] of placers.entries()) {
    try {
      return await replaceFile(path, (temporary) => place(blob, temporary));
    } catch (error) {
      if (i === placers.length - 1) throw error;
    }
  }
}

/** Whether the snapshot already shows this very blob, so that a new blob under its name shows as well. */
export async function isPlaced(hash: string, path: string): Promise<boolean> {
  return (
    (await lstat(path).catch(() => undefined))?.isSymbolicLink() === true && (await linkedHash(path)) === hash
  );
}

/** Makes a finished partial file the blob. */
export async function commitPartial(store: RepoStore, hash: string): Promise<void> {
  await mkdir(dirname(blobPath(store, hash)), { recursive: true });
  await rename(partialPath(store, hash), blobPath(store, hash));
}
