import { FusewireError } from "@fusewire/ir";
import { assertInsideName, assertRange, type ByteSource, type ModelFiles } from "../files/index.ts";
import { type ChunkStore, pageStore } from "./chunk-store.ts";
import { checkToken, defaultTransport, type HubClient, type Transport } from "./client.ts";
import { notCachedError, UnreachableError } from "./errors.ts";
import {
  decodeTree,
  encodeTree,
  fetchCommit,
  fetchTree,
  fileUrl,
  type HubFile,
  type HubTree,
  isSha256,
  namesInside,
} from "./listing.ts";
import { checkHubOptions, type HubOptions } from "./options.ts";
import { assertRepoId, assertRevision, checkEndpoint, DEFAULT_ENDPOINT, DEFAULT_REVISION } from "./repo.ts";
import { readAll, send, transientError, withRetries } from "./request.ts";
import { isReadable } from "./wanted.ts";

/** What tests replace. */
export interface RemoteSetup {
  readonly transport?: Transport;
  readonly store?: ChunkStore;
  readonly chunkBytes?: number;
}

const CHUNK = 16 * 2 ** 20;

interface Remote {
  readonly client: HubClient;
  readonly store: ChunkStore;
  readonly chunkBytes: number;
  readonly commit: string;
  readonly tree: HubTree;
  readonly offline: string | undefined;
  readonly onProgress: HubOptions["progress_callback"];
}

/**
 * A model of the hub for places without a disk, such as pages: files are read by ranges of fixed chunks, and the Cache API
 * keeps the chunks, so an interrupted load goes on and a second visit fetches nothing. Files of one chunk are checked
 * against their hash; of longer ones only the size is, for browsers hash no streams.
 */
export async function openRemoteModel(
  name: string,
  options: HubOptions = {},
  setup: RemoteSetup = {},
): Promise<ModelFiles> {
  checkHubOptions(options);
  assertRepoId(name);
  const { revision = DEFAULT_REVISION, token, signal, endpoint = DEFAULT_ENDPOINT, cache_dir } = options;
  assertRevision(revision);
  if (cache_dir !== undefined)
    throw new FusewireError("'cache_dir' is a folder, which a page does not have; leave it out");
  const client: HubClient = {
    endpoint: checkEndpoint(endpoint),
    name,
    revision,
    token: token === undefined || token === false ? undefined : checkToken(token),
    signal,
    transport: setup.transport ?? defaultTransport(),
  };
  const store = setup.store ?? (await pageStore());
  const { commit, tree, offline } = await findTree(client, store, options.local_files_only === true);
  const remote: Remote = {
    client,
    store,
    chunkBytes: setup.chunkBytes ?? CHUNK,
    commit,
    tree,
    offline,
    onProgress: options.progress_callback,
  };
  const location = `'${name}'`;
  return {
    location,
    async open(file) {
      assertInsideName(file, location);
      const entry = isReadable(file) ? tree.get(file) : undefined;
      return entry && remoteSource(remote, entry);
    },
    async list(folder) {
      assertInsideName(folder, location);
      return namesInside(tree, folder);
    },
  };
}

type Found = Pick<Remote, "commit" | "tree" | "offline">;

async function findTree(client: HubClient, store: ChunkStore, localOnly: boolean): Promise<Found> {
  const key = `${client.endpoint}/api/models/${client.name}/fusewire-tree/${encodeURIComponent(client.revision)}`;
  const cached = async (offline: string): Promise<Found | undefined> => {
    const text = new TextDecoder().decode(await store.get(key));
    const tree = decodeTree(text.slice(40));
    return tree && { commit: text.slice(0, 40), tree, offline };
  };
  if (localOnly) {
    const found = await cached("local_files_only is set");
    if (found) return found;
    throw notCachedError(client, `'${client.name}'`, "the cache of this page", "local_files_only is set");
  }
  try {
    const commit = await fetchCommit(client);
    const tree = await fetchTree(client, commit);
    await store.put(key, new TextEncoder().encode(commit + encodeTree(tree)));
    return { commit, tree, offline: undefined };
  } catch (error) {
    const found = error instanceof UnreachableError && (await cached("the hub cannot be reached"));
    if (found) return found;
    throw error;
  }
}

function remoteSource(remote: Remote, file: HubFile): ByteSource {
  const { chunkBytes, onProgress } = remote;
  // Neighbouring tensors share chunks, so the last one stays at hand.
  let last: { index: number; bytes: Promise<Uint8Array<ArrayBuffer>> } | undefined;
  const chunk = (index: number): Promise<Uint8Array<ArrayBuffer>> => {
    if (last?.index === index) return last.bytes;
    const bytes = readChunk(remote, file, index);
    const mine = { index, bytes };
    last = mine;
    bytes.catch(() => {
      if (last === mine) last = undefined;
    });
    return bytes;
  };
  return {
    size: file.size,
    async read(offset, length) {
      assertRange(file.name, file.size, offset, length);
      const result = new Uint8Array(length);
      let done = 0;
      while (done < length) {
        const at = offset + done;
        const index = Math.floor(at / chunkBytes);
        const bytes = await chunk(index);
        const part = bytes.subarray(at - index * chunkBytes, at - index * chunkBytes + length - done);
        result.set(part, done);
        done += part.byteLength;
        onProgress?.({ file: file.name, loaded: offset + done, total: file.size, status: "download" });
      }
      return result;
    },
    async close() {
      last = undefined;
    },
  };
}

async function readChunk(remote: Remote, file: HubFile, index: number): Promise<Uint8Array<ArrayBuffer>> {
  const { store, client, chunkBytes, offline } = remote;
  const start = index * chunkBytes;
  const length = Math.min(chunkBytes, file.size - start);
  // The hash, not the commit: a file that stays the same in a new commit is not fetched again.
  const key = `${client.endpoint}/${client.name}/fusewire-chunk/${file.hash}/${start}-${length}`;
  const kept = await store.get(key);
  if (kept?.byteLength === length) return kept;
  if (offline !== undefined)
    throw notCachedError(client, `${file.name} of '${client.name}'`, "the cache of this page", offline);
  const bytes = await fetchChunk(remote, file, start, length);
  await store.put(key, bytes);
  return bytes;
}

async function fetchChunk(
  { client, commit }: Remote,
  file: HubFile,
  start: number,
  length: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const url = fileUrl(client, commit, file.name);
  const whole = length === file.size;
  const headers: Record<string, string> = whole ? {} : { range: `bytes=${start}-${start + length - 1}` };
  return withRetries(client, async () => {
    const answer = await send(client, url, headers, file.name);
    if (!whole && answer.status !== 206) {
      await answer.discard();
      throw new FusewireError(
        `the server of ${file.name} ignores ranges (${answer.status}); use the hub itself, or files of your own (see ModelFiles)`,
      );
    }
    const bytes = await readAll(answer);
    if (bytes.byteLength < length)
      throw transientError(`the answer ended after ${bytes.byteLength} of ${length} bytes`);
    if (bytes.byteLength > length || (whole && !(await hasHash(bytes, file.hash))))
      throw new FusewireError(
        `${file.name} of '${client.name}' is not what the hub states; check the endpoint or the proxy`,
      );
    return bytes;
  });
}

async function hasHash(bytes: Uint8Array<ArrayBuffer>, expected: string): Promise<boolean> {
  // Pages on plain http have no subtle.
  if (!globalThis.crypto?.subtle) return true;
  const head = new TextEncoder().encode(isSha256(expected) ? "" : `blob ${bytes.byteLength}\0`);
  const data = new Uint8Array(head.byteLength + bytes.byteLength);
  data.set(head);
  data.set(bytes, head.byteLength);
  const digest = await crypto.subtle.digest(isSha256(expected) ? "SHA-256" : "SHA-1", data);
  return (
    Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("") === expected
  );
}
